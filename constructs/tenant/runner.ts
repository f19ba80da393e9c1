import { Construct } from 'constructs';
import { KubeConfigMap, KubeRole, KubeRoleBinding, KubeServiceAccount } from '../../imports/k8s.ts';
import { executorRule } from '../argo-workflows/index.ts';

export interface WorkflowRunnerProps {
  /** Secrets that kpack builds with: the key of the repositories and the log-in of the registry. */
  readonly buildSecrets: readonly string[];
  /** Log-in for pulling images. */
  readonly pullSecret: string;
  /** ServiceAccount that starts workflows here for a push. */
  readonly dispatcher: { readonly name: string; readonly namespace: string };
  /** Builds of the tenant at a time. */
  readonly concurrentBuilds: number;
}

/** The semaphore that limits a tenant's builds. */
export const buildSemaphore = { name: 'workflow-semaphores', key: 'kpack-builds' } as const;

/** What a tenant's workflows run as, and what limits them. */
export class WorkflowRunner extends Construct {
  readonly account = 'workflow-runner';

  constructor(scope: Construct, id: string, props: WorkflowRunnerProps) {
    super(scope, id);
    new KubeServiceAccount(this, 'Account', {
      metadata: { name: this.account },
      secrets: props.buildSecrets.map((name) => ({ name })),
      imagePullSecrets: [{ name: props.pullSecret }],
    });
    new KubeRole(this, 'Role', {
      metadata: { name: this.account },
      rules: [
        executorRule,
        // Start and watch builds: no other object of kpack, and nothing is created.
        { apiGroups: ['kpack.io'], resources: ['images'], verbs: ['get', 'patch'] },
        { apiGroups: ['kpack.io'], resources: ['builds'], verbs: ['get', 'list', 'patch'] },
        { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get'] },
      ],
    });
    this.bind(this.account, this.account, undefined);
    new KubeRole(this, 'Dispatch', {
      metadata: { name: 'dispatch' },
      rules: [{ apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['create'] }],
    });
    this.bind('dispatch', props.dispatcher.name, props.dispatcher.namespace);
    new KubeConfigMap(this, 'Semaphores', {
      metadata: { name: buildSemaphore.name },
      data: { [buildSemaphore.key]: String(props.concurrentBuilds) },
    });
  }

  private bind(role: string, account: string, namespace: string | undefined): void {
    new KubeRoleBinding(this, `${role}-binding`, {
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
      subjects: [{ kind: 'ServiceAccount', name: account, ...(namespace ? { namespace } : {}) }],
    });
  }
}
