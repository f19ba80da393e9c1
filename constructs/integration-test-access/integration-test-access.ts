import { Construct } from 'constructs';
import { KubeClusterRole, KubeClusterRoleBinding, KubeServiceAccount, type PolicyRule } from '../../imports/k8s.ts';
import { type AccessRule, type Account, deployRules, type Sandbox } from './sandbox.ts';
import { SandboxPolicies } from './sandbox-policies.ts';

export interface IntegrationTestAccessProps {
  readonly sandbox: Sandbox;
  /** Account that makes the pods of steps, such as the Woodpecker agents' (R26.1). @default - the step's pods are made by others */
  readonly agent?: Account;
  /** Account that the integration-test step runs as. It is made here; who may use it is decided by the StepPolicy. */
  readonly step: Account;
  /** Account of the sweeper, if there is one: confined to sandboxes like the others. @default - none */
  readonly sweeper?: Account;
  /** What the accounts may do inside a sandbox. @default deployRules */
  readonly sandboxRules?: readonly AccessRule[];
  /** Prefix of the names of cluster-wide objects. @default 'woodpecker-inttest' */
  readonly name?: string;
}

/**
 * The rights of integration tests (R26): the agents' account, if there is one, and the step's may make and delete namespaces, but only sandboxes, and
 * work inside them through a role binding that they make themselves. RBAC cannot match names by prefix; admission policies
 * that fail closed do.
 *
 * Objects name their own namespaces; the chart needs none.
 *
 * @throws on a rule with a wildcard, or a sandbox prefix that would match other namespaces
 */
export class IntegrationTestAccess extends Construct {
  /** ClusterRole that is bound inside a sandbox. */
  readonly sandboxRole: string;
  /** Environment that open-sandbox.sh needs. */
  readonly sandboxEnvironment: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: IntegrationTestAccessProps) {
    super(scope, id);
    const rules = props.sandboxRules ?? deployRules;
    refuseBadSandbox(props.sandbox);
    refuseWildcards(rules);
    const name = props.name ?? 'woodpecker-inttest';
    this.sandboxRole = `${name}-sandbox`;
    this.sandboxEnvironment = {
      SANDBOX_LABEL: `${props.sandbox.label}=true`,
      SANDBOX_ROLE: this.sandboxRole,
      SANDBOX_ACCOUNT: `${props.step.namespace}:${props.step.name}`,
    };
    new KubeServiceAccount(this, 'StepAccount', { metadata: { ...props.step }, automountServiceAccountToken: true });
    this.addClusterRole(name, props);
    new KubeClusterRole(this, 'SandboxRole', {
      metadata: { name: this.sandboxRole },
      rules: rules.map(policyRule),
    });
    new SandboxPolicies(this, 'Policies', {
      name,
      sandbox: props.sandbox,
      sandboxRole: this.sandboxRole,
      agent: props.agent,
      step: props.step,
      sweeper: props.sweeper,
    });
  }

  /** Cluster-wide: namespaces and the one binding. There is no right to read anything but a namespace by name. */
  private addClusterRole(name: string, props: IntegrationTestAccessProps): void {
    new KubeClusterRole(this, 'Role', {
      metadata: { name },
      rules: [
        { apiGroups: [''], resources: ['namespaces'], verbs: ['create', 'delete', 'get'] },
        { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['create'] },
        {
          apiGroups: ['rbac.authorization.k8s.io'],
          resources: ['clusterroles'],
          resourceNames: [this.sandboxRole],
          verbs: ['bind'],
        },
      ],
    });
    new KubeClusterRoleBinding(this, 'Binding', {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [...(props.agent ? [props.agent] : []), props.step].map((account) => ({
        kind: 'ServiceAccount',
        ...account,
      })),
    });
  }
}

function policyRule(rule: AccessRule): PolicyRule {
  return { apiGroups: [rule.apiGroup], resources: [...rule.resources], verbs: [...rule.verbs] };
}

function refuseWildcards(rules: readonly AccessRule[]): void {
  const wild = rules.find((rule) =>
    [rule.apiGroup, ...rule.resources, ...rule.verbs].some((part) => part.includes('*')),
  );
  if (wild) throw new Error(`sandbox rule ${JSON.stringify(wild)} has a wildcard; name what the test needs`);
}

function refuseBadSandbox({ prefix, label }: Sandbox): void {
  if (!/^[a-z0-9][a-z0-9-]{2,39}-$/.test(prefix)) {
    throw new Error(
      `sandbox prefix ${JSON.stringify(prefix)} is no beginning of a namespace's name; write it like stonks-inttest-`,
    );
  }
  if (!/^[a-z0-9.-]+\/[a-z0-9-]+$/.test(label)) {
    throw new Error(`sandbox label ${JSON.stringify(label)} has no domain; write it like example.org/ephemeral`);
  }
}
