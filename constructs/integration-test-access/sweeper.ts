import { Construct } from 'constructs';
import {
  KubeClusterRole,
  KubeClusterRoleBinding,
  KubeCronJob,
  KubeRole,
  KubeRoleBinding,
  KubeServiceAccount,
  Quantity,
} from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import { environment } from '../woodpecker/environment.ts';
import { resourceRequirements, restrictedContainer, restrictedPod, ScriptConfig } from '../workload/index.ts';
import type { Account, Sandbox } from './sandbox.ts';
import sweepScript from './sweep.sh';

export interface SweeperProps {
  readonly sandbox: Sandbox;
  /** The sweeper's own account; its namespace is the chart's. */
  readonly account: Account;
  /** Where the CI engine's steps run, whose leftovers go too. @default - the engine tidies up by itself */
  readonly stepsNamespace?: string;
  /** An image with bash, kubectl and jq. */
  readonly image: Image;
  /** What is older is a leftover, in minutes: more than a pipeline may take. @default 240 */
  readonly maximumAgeMinutes?: number;
  /** Cron expression. @default '23 * * * *' */
  readonly schedule?: string;
}

/**
 * Removes hourly what crashed runs left behind: sandbox namespaces, pods of steps, workspace volumes. The policies that confine the
 * tests confine it too. The chart's namespace is the account's.
 *
 * @throws if the account lives in the step namespace, where a step could ask for it
 */
export class Sweeper extends Construct {
  constructor(scope: Construct, id: string, props: SweeperProps) {
    super(scope, id);
    const { account } = props;
    if (account.namespace === props.stepsNamespace) {
      throw new Error(`a pipeline could name the sweeper's account in ${account.namespace}; give it another namespace`);
    }
    new KubeServiceAccount(this, 'Account', { metadata: { ...account }, automountServiceAccountToken: false });
    this.addRights(props);
    const scripts = new ScriptConfig(this, 'Script', { name: account.name, files: { 'sweep.sh': sweepScript } });
    new KubeCronJob(this, 'CronJob', {
      metadata: { ...account },
      spec: {
        schedule: props.schedule ?? '23 * * * *',
        timeZone: 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
        startingDeadlineSeconds: 1800,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          spec: {
            backoffLimit: 1,
            activeDeadlineSeconds: 900,
            template: {
              metadata: { labels: { 'app.kubernetes.io/name': account.name } },
              spec: {
                restartPolicy: 'Never',
                serviceAccountName: account.name,
                automountServiceAccountToken: true,
                enableServiceLinks: false,
                securityContext: restrictedPod({ uid: 65532 }),
                containers: [
                  {
                    name: 'sweep',
                    image: imageReference(props.image),
                    command: ['bash', '/scripts/sweep.sh'],
                    env: environment({
                      SANDBOX_PREFIX: props.sandbox.prefix,
                      SANDBOX_LABEL: `${props.sandbox.label}=true`,
                      ...(props.stepsNamespace === undefined ? {} : { STEPS_NAMESPACE: props.stepsNamespace }),
                      MAXIMUM_AGE_MINUTES: props.maximumAgeMinutes ?? 240,
                      HOME: '/tmp',
                    }),
                    resources: resourceRequirements({ cpu: '20m', memory: '128Mi', cpuLimit: '500m', disk: '64Mi' }),
                    securityContext: restrictedContainer(),
                    volumeMounts: [
                      { name: 'scripts', mountPath: '/scripts', readOnly: true },
                      { name: 'tmp', mountPath: '/tmp' },
                    ],
                  },
                ],
                volumes: [
                  { name: 'scripts', configMap: { name: scripts.configMapName } },
                  { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('32Mi') } },
                ],
              },
            },
          },
        },
      },
    });
  }

  private addRights({ account, stepsNamespace }: SweeperProps): void {
    const { name } = account;
    const subjects = [{ kind: 'ServiceAccount', ...account }];
    new KubeClusterRole(this, 'ClusterRole', {
      metadata: { name },
      rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'delete'] }],
    });
    new KubeClusterRoleBinding(this, 'ClusterRoleBinding', {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects,
    });
    if (stepsNamespace === undefined) return;
    new KubeRole(this, 'StepsRole', {
      metadata: { name, namespace: stepsNamespace },
      rules: [
        { apiGroups: [''], resources: ['pods', 'services', 'persistentvolumeclaims'], verbs: ['list', 'delete'] },
        { apiGroups: [''], resources: ['secrets'], verbs: ['delete'] },
      ],
    });
    new KubeRoleBinding(this, 'StepsRoleBinding', {
      metadata: { name, namespace: stepsNamespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects,
    });
  }
}
