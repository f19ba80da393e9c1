import { Construct } from 'constructs';
import {
  type Container,
  type EnvVar,
  IntOrString,
  KubeDeployment,
  KubeServiceAccount,
  Quantity,
} from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
} from '../workload/index.ts';
import { environment, secretVariable } from './environment.ts';
import { agentLabels, woodpeckerNames } from './names.ts';
import { woodpeckerSecrets } from './secrets.ts';

export interface WoodpeckerAgentProps {
  /** Agent image of the server's version. */
  readonly image: Image;
  /** Host and port of the server's gRPC, `WoodpeckerServer.grpcAddress`. */
  readonly serverAddress: string;
  /** Namespace that step pods run in; never the agent's own, whose Secrets every step could mount. */
  readonly stepsNamespace: string;
  /** Agents (R2.2). @default 1 */
  readonly replicas?: number;
  /** Pipelines that one agent runs at a time. @default 1 */
  readonly workflows?: number;
  readonly workspace?: WorkspaceVolume;
  /**
   * Names of Secrets in the step namespace that a step may mount, for example a private CA. Anything but an empty list
   * switches native secrets on; the step policy then lets through exactly these.
   * @default - none
   */
  readonly nativeSecrets?: readonly string[];
  /** Whether a step may name a service account; the step policy decides which step may use which. @default true */
  readonly serviceAccountFromStep?: boolean;
  /** Names of image pull Secrets in the step namespace. @default - none */
  readonly pullSecrets?: readonly string[];
  /** @default 50m CPU, 64Mi memory, at most 256Mi */
  readonly resources?: Resources;
}

/** The volume that the steps of one pipeline share. */
export interface WorkspaceVolume {
  /** @default 'local-path' */
  readonly storageClass?: string;
  /** @default '10Gi' */
  readonly size?: string;
}

const name = woodpeckerNames.agent;
const healthPort = 3000;

/**
 * Woodpecker agents: a Deployment (R2.2) whose pods hold no state, and run each step as a pod (R2.5) in a namespace of its own.
 * The steps of a pipeline share one volume that is not ReadWriteMany, so they run on one node.
 *
 * @throws if steps would run in the agent's own namespace
 */
export class WoodpeckerAgent extends Construct {
  readonly serviceAccount: { readonly namespace: string; readonly name: string };

  constructor(scope: Construct, id: string, props: WoodpeckerAgentProps) {
    super(scope, id);
    const namespace = namespaceOf(this);
    if (props.stepsNamespace === namespace) {
      throw new Error(
        `steps in the agent's namespace ${namespace} could mount the server's Secrets; give them their own`,
      );
    }
    this.serviceAccount = { namespace, name };
    new KubeServiceAccount(this, 'Account', { metadata: { name }, automountServiceAccountToken: false });
    new KubeDeployment(this, 'Deployment', {
      metadata: { name },
      spec: {
        replicas: props.replicas ?? 1,
        selector: { matchLabels: { ...agentLabels } },
        template: {
          metadata: { labels: { ...agentLabels } },
          spec: {
            serviceAccountName: name,
            automountServiceAccountToken: true,
            enableServiceLinks: false,
            securityContext: restrictedPod({ uid: 1000, fsGroup: 1000 }),
            containers: [container(props, namespace)],
            volumes: [{ name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('64Mi') } }],
          },
        },
      },
    });
  }
}

function container(props: WoodpeckerAgentProps, namespace: string): Container {
  const health = { httpGet: { path: '/healthz', port: IntOrString.fromString('health') }, timeoutSeconds: 5 };
  return {
    name: 'agent',
    image: imageReference(props.image),
    env: agentEnvironment(props, namespace),
    ports: [{ name: 'health', containerPort: healthPort }],
    resources: resourceRequirements(
      props.resources ?? { cpu: '50m', memory: '64Mi', cpuLimit: '500m', memoryLimit: '256Mi' },
    ),
    securityContext: restrictedContainer(),
    readinessProbe: { httpGet: { ...health.httpGet, path: '/version' }, timeoutSeconds: 5, periodSeconds: 10 },
    livenessProbe: { ...health, periodSeconds: 20, failureThreshold: 6 },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
}

function agentEnvironment(props: WoodpeckerAgentProps, namespace: string): EnvVar[] {
  return [
    { name: 'WOODPECKER_HOSTNAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    secretVariable('WOODPECKER_AGENT_SECRET', woodpeckerSecrets(namespace).internal, 'agent-secret'),
    ...environment({
      WOODPECKER_SERVER: props.serverAddress,
      WOODPECKER_GRPC_SECURE: false,
      WOODPECKER_LOG_LEVEL: 'info',
      WOODPECKER_BACKEND: 'kubernetes',
      WOODPECKER_MAX_WORKFLOWS: props.workflows ?? 1,
      WOODPECKER_HEALTHCHECK_ADDR: `:${healthPort}`,
      // Waits for a server that is away instead of giving up after two minutes.
      WOODPECKER_RETRY_TIMEOUT: 0,
      // Empty: the agent keeps no identity, so a server with a new database takes it.
      WOODPECKER_AGENT_CONFIG_FILE: '',
      WOODPECKER_BACKEND_K8S_NAMESPACE: props.stepsNamespace,
      WOODPECKER_BACKEND_K8S_NAMESPACE_PER_ORGANIZATION: false,
      WOODPECKER_BACKEND_K8S_STORAGE_CLASS: props.workspace?.storageClass ?? 'local-path',
      WOODPECKER_BACKEND_K8S_STORAGE_RWX: false,
      WOODPECKER_BACKEND_K8S_VOLUME_SIZE: props.workspace?.size ?? '10Gi',
      WOODPECKER_BACKEND_K8S_POD_LABELS_ALLOW_FROM_STEP: false,
      WOODPECKER_BACKEND_K8S_POD_ANNOTATIONS_ALLOW_FROM_STEP: false,
      WOODPECKER_BACKEND_K8S_ALLOW_NATIVE_SECRETS: (props.nativeSecrets ?? []).length > 0,
      WOODPECKER_BACKEND_K8S_SERVICE_ACCOUNT_NAME_ALLOW_FROM_STEP: props.serviceAccountFromStep ?? true,
      WOODPECKER_BACKEND_K8S_PULL_SECRET_NAMES: props.pullSecrets?.join(','),
    }),
  ];
}
