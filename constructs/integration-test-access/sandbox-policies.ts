import { Construct } from 'constructs';
import { AdmissionPolicy } from '../core/index.ts';
import { celList, celText } from '../workload/index.ts';
import { type Account, type Sandbox, userName } from './sandbox.ts';

export interface SandboxPoliciesProps {
  /** Prefix of the policies' names. */
  readonly name: string;
  readonly sandbox: Sandbox;
  /** The only ClusterRole that may be bound. */
  readonly sandboxRole: string;
  readonly agent?: Account;
  readonly step: Account;
  readonly sweeper?: Account;
}

/** Labels that a sandbox may carry besides its own; others could make a namespace more than a sandbox. */
const harmlessLabels = [
  'kubernetes.io/metadata.name',
  'pod-security.kubernetes.io/enforce',
  'pod-security.kubernetes.io/audit',
  'pod-security.kubernetes.io/warn',
];

/**
 * Keeps the accounts of integration tests inside their sandboxes, whatever rights they get by mistake:
 * which namespaces they may make and delete, where they may write, what they may bind.
 */
export class SandboxPolicies extends Construct {
  constructor(scope: Construct, id: string, props: SandboxPoliciesProps) {
    super(scope, id);
    const { sandbox, agent, step, sweeper } = props;
    const users = [...(agent ? [agent] : []), step, ...(sweeper ? [sweeper] : [])].map(userName);
    const confined = { name: 'confined-account', expression: `request.userInfo.username in ${celList(users)}` };
    new AdmissionPolicy(this, 'Namespaces', {
      name: `${props.name}-namespaces`,
      rules: [
        { apiGroups: [''], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['namespaces', 'namespaces/*'] },
      ],
      matchConditions: [confined],
      variables: [
        { name: 'subject', expression: "request.operation == 'DELETE' ? oldObject : object" },
        { name: 'labels', expression: 'variables.subject.metadata.?labels.orValue({})' },
      ],
      validations: [
        {
          expression: `variables.subject.metadata.name.startsWith(${celText(sandbox.prefix)})`,
          message: `this account may touch only namespaces named ${sandbox.prefix}*`,
        },
        {
          expression: `variables.labels[?${celText(sandbox.label)}].orValue('') == 'true'`,
          message: `a sandbox carries the label ${sandbox.label}=true`,
        },
        {
          expression: `request.operation == 'DELETE' || variables.labels[?'pod-security.kubernetes.io/enforce'].orValue('') in ['baseline', 'restricted']`,
          message: 'a sandbox carries the label pod-security.kubernetes.io/enforce with baseline or restricted',
        },
        {
          expression: `request.operation == 'DELETE' || variables.labels.all(k, k in ${celList([sandbox.label, ...harmlessLabels])})`,
          message: 'a sandbox carries no labels but its own and those of Pod Security',
        },
      ],
    });
    new AdmissionPolicy(this, 'Writes', {
      name: `${props.name}-writes`,
      rules: [{ apiGroups: ['*'], operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'], resources: ['*/*'] }],
      matchConditions: [
        confined,
        // Namespaces have a policy of their own; reviews ("may I?") change nothing.
        {
          name: 'not-a-namespace',
          expression: "request.resource.group != '' || request.resource.resource != 'namespaces'",
        },
        {
          name: 'not-a-review',
          expression: "!(request.resource.group in ['authorization.k8s.io', 'authentication.k8s.io'])",
        },
      ],
      // Requests for cluster-scoped objects have no namespace at all.
      variables: [{ name: 'where', expression: "request.?namespace.orValue('')" }],
      validations: [
        {
          expression: [inSandbox(sandbox), ...stepNamespaceWriters(props)].join(' || '),
          messageExpression: `'this account writes only in sandboxes, not in ' + (variables.where == '' ? 'the cluster' : variables.where)`,
        },
      ],
    });
    new AdmissionPolicy(this, 'Bindings', {
      name: `${props.name}-bindings`,
      rules: [
        { apiGroups: ['rbac.authorization.k8s.io'], operations: ['CREATE', 'UPDATE'], resources: ['rolebindings'] },
      ],
      matchConditions: [confined],
      validations: [
        {
          expression: `object.roleRef.kind == 'ClusterRole' && object.roleRef.name == ${celText(props.sandboxRole)} && object.?subjects.orValue([]).all(s, s.kind == 'ServiceAccount' && (s.?namespace.orValue('') + ':' + s.name) in ${celList([step, ...(agent ? [agent] : [])].map(shortName))})`,
          message: `this account may bind only ${props.sandboxRole}, and only to the accounts of the integration test`,
        },
      ],
    });
  }
}

/** CEL: the object lives in a sandbox. */
function inSandbox({ prefix, label }: Sandbox): string {
  return `(variables.where.startsWith(${celText(prefix)}) && namespaceObject != null && namespaceObject.metadata.?labels[?${celText(label)}].orValue('') == 'true')`;
}

/** The agents run steps in the step namespace, and the sweeper tidies up there; the step's own account does not write there. */
function stepNamespaceWriters({ agent, step, sweeper }: SandboxPoliciesProps): string[] {
  const writers = [...(agent ? [agent] : []), ...(sweeper ? [sweeper] : [])].map(userName);
  if (writers.length === 0) return [];
  return [`(variables.where == ${celText(step.namespace)} && request.userInfo.username in ${celList(writers)})`];
}

function shortName(account: Account): string {
  return `${account.namespace}:${account.name}`;
}
