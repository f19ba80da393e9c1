import { Construct } from 'constructs';
import { KubeRole, KubeRoleBinding, KubeServiceAccount, type PolicyRule } from '../../imports/k8s.ts';
import { namespaceOf } from '../workload/index.ts';

export interface DeployAccountProps {
  /** Name of the ServiceAccount and of its role. @default 'ci-deployer' */
  readonly name?: string;
}

const write = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const read = ['get', 'list', 'watch'];

/**
 * What Helm needs for a chart of workloads, and what the verification needs, in one namespace: no rights on roles, on
 * network policies, on quotas, or outside.
 */
export function deployRules(namespace: string): PolicyRule[] {
  return [
    {
      apiGroups: [''],
      // Helm keeps its releases in Secrets.
      resources: ['secrets', 'configmaps', 'services', 'serviceaccounts', 'persistentvolumeclaims'],
      verbs: write,
    },
    { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: write },
    { apiGroups: ['apps'], resources: ['replicasets', 'controllerrevisions'], verbs: read },
    { apiGroups: ['batch'], resources: ['jobs'], verbs: write },
    { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: write },
    { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: write },
    { apiGroups: [''], resources: ['pods', 'pods/log', 'events', 'endpoints'], verbs: read },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: read },
    { apiGroups: [''], resources: ['pods/exec', 'pods/portforward'], verbs: ['create'] },
    { apiGroups: [''], resources: ['namespaces'], resourceNames: [namespace], verbs: ['get'] },
  ];
}

/** The account that a pipeline deploys with: it reaches its one namespace and nothing else. */
export class DeployAccount extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: DeployAccountProps = {}) {
    super(scope, id);
    const name = props.name ?? 'ci-deployer';
    const namespace = namespaceOf(this);
    this.name = name;
    new KubeServiceAccount(this, 'Account', { metadata: { name }, automountServiceAccountToken: false });
    new KubeRole(this, 'Role', { metadata: { name }, rules: deployRules(namespace) });
    new KubeRoleBinding(this, 'Binding', {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
  }
}
