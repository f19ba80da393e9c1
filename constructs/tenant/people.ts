import { Construct } from 'constructs';
import { KubeRole, KubeRoleBinding, KubeSecret, KubeServiceAccount, type PolicyRule } from '../../imports/k8s.ts';
import { groupAnnotations } from '../argo-workflows/index.ts';

/** Groups of the log-in, by what their members may do. */
export interface TenantGroups {
  readonly admins: readonly string[];
  readonly developers: readonly string[];
}

export interface TenantPeopleProps {
  readonly groups: TenantGroups;
  /** What happens in the namespace: builds (people start and stop workflows) or applications (people look). */
  readonly purpose: 'builds' | 'applications';
}

const look: readonly PolicyRule[] = [
  {
    apiGroups: [''],
    resources: ['pods', 'pods/log', 'services', 'configmaps', 'events'],
    verbs: ['get', 'list', 'watch'],
  },
  { apiGroups: ['apps'], resources: ['deployments', 'replicasets', 'statefulsets'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: ['get', 'list', 'watch'] },
];

const followBuilds: readonly PolicyRule[] = [
  { apiGroups: ['argoproj.io'], resources: ['workflows', 'workflowtemplates'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['kpack.io'], resources: ['images', 'builds'], verbs: ['get', 'list', 'watch'] },
];

/** Developers start promotions by hand; a merged pull request decides. */
const startRuns: PolicyRule = { apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['create'] };

const stopRuns: PolicyRule = {
  apiGroups: ['argoproj.io'],
  resources: ['workflows'],
  verbs: ['patch', 'update', 'delete'],
};

const restart: PolicyRule = { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] };

/**
 * Who may do what in a tenant's namespace, by groups: `project-admin` and `project-developer`, each as a Role for the groups
 * themselves and as a ServiceAccount that the workflow UI acts as.
 */
export class TenantPeople extends Construct {
  constructor(scope: Construct, id: string, { groups, purpose }: TenantPeopleProps) {
    super(scope, id);
    const seen = purpose === 'builds' ? [...look, ...followBuilds] : look;
    const develop = purpose === 'builds' ? [...seen, startRuns] : seen;
    const administer = purpose === 'builds' ? [...develop, stopRuns] : [...develop, restart];
    this.add('project-developer', groups.developers, develop, 1);
    this.add('project-admin', groups.admins, administer, 2);
  }

  private add(name: string, groups: readonly string[], rules: readonly PolicyRule[], precedence: number): void {
    const token = `${name}.service-account-token`;
    new KubeServiceAccount(this, `${name}-account`, {
      metadata: {
        name,
        annotations: {
          ...groupAnnotations(groups, precedence),
          'workflows.argoproj.io/service-account-token.name': token,
        },
      },
      automountServiceAccountToken: false,
    });
    // The UI acts with this token; the cluster fills it in.
    new KubeSecret(this, `${name}-token`, {
      metadata: { name: token, annotations: { 'kubernetes.io/service-account.name': name } },
      type: 'kubernetes.io/service-account-token',
    });
    new KubeRole(this, `${name}-role`, { metadata: { name }, rules: [...rules] });
    new KubeRoleBinding(this, `${name}-binding`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [
        { kind: 'ServiceAccount', name },
        ...groups.map((group) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group })),
      ],
    });
  }
}
