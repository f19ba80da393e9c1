import { Construct } from 'constructs';
import { KubeRole, KubeRoleBinding, KubeServiceAccount } from '../../imports/k8s.ts';
import { syncAnnotations, syncWave } from '../argo-cd/sync.ts';
import { namespaceOf } from '../workload/index.ts';
import { kargoKey } from './names.ts';

/** Claims of a log-in token; a person who has any of the values of any of the claims holds the role. */
export type Claims = Readonly<Record<string, readonly string[]>>;

export interface KargoRoleProps {
  /** Name of the role within the project; `kargo-admin`, `kargo-viewer` and `kargo-promoter` are Kargo's own. */
  readonly name: string;
  /** One sentence for the dashboard's list of roles. */
  readonly description: string;
  /** Whom it is for, for example `{ email: ['ada@example.org'] }`. */
  readonly claims: Claims;
  /** Stages it may promote to; none makes it a viewer. R17.1 */
  readonly promote: readonly string[];
}

const ownRoles = ['kargo-admin', 'kargo-viewer', 'kargo-promoter'];
const kargoApi = 'kargo.akuity.io';
const read = ['get', 'list', 'watch'];

/**
 * A role of a Kargo project: a ServiceAccount that Kargo maps people to by their claims, with a Role and its binding. People
 * act through Kargo's API server only; nobody gets a token of the account. It does not carry Kargo's mark for roles that its
 * dashboard may edit: who holds it is decided in the settings.
 *
 * Kargo checks `promote` on the stage for the promote button, but only `create` for a promotion that is posted as a
 * manifest: who may promote to a stage is therefore also in the stage's gate (`approvers`).
 *
 * @throws if the name is one of Kargo's own roles, or nobody has the role
 */
export class KargoRole extends Construct {
  readonly serviceAccountName: string;

  constructor(scope: Construct, id: string, props: KargoRoleProps) {
    super(scope, id);
    if (ownRoles.includes(props.name)) {
      throw new Error(`Kargo writes the role ${props.name} itself; choose another name`);
    }
    if (Object.values(props.claims).flat().length === 0) {
      throw new Error(`role ${props.name} is for nobody; name at least one claim and value`);
    }
    this.serviceAccountName = props.name;
    const annotations = syncAnnotations({ wave: syncWave.promotion });
    new KubeServiceAccount(this, 'ServiceAccount', {
      metadata: {
        name: props.name,
        annotations: {
          [kargoKey.claims]: JSON.stringify(sorted(props.claims)),
          [kargoKey.description]: props.description,
          ...annotations,
        },
      },
      automountServiceAccountToken: false,
    });
    new KubeRole(this, 'Role', {
      metadata: { name: props.name, annotations },
      rules: [
        { apiGroups: [''], resources: ['events', 'serviceaccounts'], verbs: read },
        { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: read },
        {
          apiGroups: [kargoApi],
          resources: ['freights', 'projectconfigs', 'promotions', 'promotiontasks', 'stages', 'warehouses'],
          verbs: read,
        },
        ...(props.promote.length === 0
          ? []
          : [
              { apiGroups: [kargoApi], resources: ['stages'], resourceNames: [...props.promote], verbs: ['promote'] },
              // To patch is to abort: the specification of a promotion never changes.
              { apiGroups: [kargoApi], resources: ['promotions'], verbs: ['create', 'patch'] },
            ]),
      ],
    });
    new KubeRoleBinding(this, 'RoleBinding', {
      metadata: { name: props.name, annotations },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: props.name },
      subjects: [{ kind: 'ServiceAccount', name: props.name, namespace: namespaceOf(this) }],
    });
  }
}

/** Claims and values in one order, so that the same people always render the same text. */
function sorted(claims: Claims): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(claims)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, values]) => [name, [...new Set(values)].sort()]),
  );
}
