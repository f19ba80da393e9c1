import { Construct } from 'constructs';
import {
  type Container,
  type EnvVar,
  IntOrString,
  KubeDeployment,
  KubeService,
  KubeServiceAccount,
  type Probe,
  Quantity,
} from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { SecureIngress } from '../ingress/index.ts';
import { AllowIngress, fromPods, fromTraefik, type Peer, type TraefikLocation } from '../network/index.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
} from '../workload/index.ts';
import { environment, secretVariable } from './environment.ts';
import { agentLabels, serverLabels, woodpeckerNames } from './names.ts';
import { type WoodpeckerSecrets, woodpeckerSecrets } from './secrets.ts';

export interface WoodpeckerServerProps {
  /** Server image, 3.17 or later. */
  readonly image: Image;
  /** Host name of the dashboard (R28.1). */
  readonly host: string;
  /** cert-manager ClusterIssuer of its certificate. @default 'ca-issuer' */
  readonly clusterIssuer?: string;
  readonly forge: WoodpeckerForge;
  readonly database: WoodpeckerDatabase;
  /** Forge users that administer Woodpecker. At least one. */
  readonly admins: readonly string[];
  /**
   * Whether every forge user may log in (R28.4), or administrators alone. The forge decides who becomes its user.
   * @default true
   */
  readonly openToForgeUsers?: boolean;
  /** Owners whose repositories may be activated. @default - any */
  readonly repositoryOwners?: readonly string[];
  /** Clone step of every pipeline; gets the user's forge token. */
  readonly clonePlugin: Image;
  /** The only images that run privileged, exactly these tags: the image builds. */
  readonly privilegedPlugins: readonly Image[];
  /** How long a pipeline may take, in minutes. @default 120 */
  readonly pipelineTimeoutMinutes?: number;
  /**
   * Events whose running pipeline is cancelled by the next one of the same kind.
   * @default ['pull_request']: a running pipeline on main always ends
   */
  readonly cancelPrevious?: readonly string[];
  /** Where Traefik runs. @default - namespace kube-system */
  readonly traefik?: TraefikLocation;
  /** Further clients of dashboard, API and webhook: the forge's pods, set-up jobs. @default - none */
  readonly httpClients?: readonly Peer[];
  /** Who may read the metrics. @default - nobody */
  readonly metricsClients?: readonly Peer[];
  /** @default 100m CPU, 128Mi memory, at most 512Mi */
  readonly resources?: Resources;
}

export interface WoodpeckerForge {
  /** Gitea's address, without trailing slash; API, tokens and clone URLs. */
  readonly url: string;
  /** Gitea's address as browsers see it, for the log-in alone. @default - `url` */
  readonly browserUrl?: string;
  /** ConfigMap with the key `ca.crt`: a private CA that signed the forge's certificate. @default - none: http or a public CA */
  readonly caConfigMap?: string;
}

export interface WoodpeckerDatabase {
  /** Service name of a PostgreSQL server. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Key `password`; letters and digits only. */
  readonly passwordSecret: SecretRef;
}

const { server: name, httpPort, grpcPort, metricsPort } = woodpeckerNames;

/**
 * The Woodpecker server: a Deployment of one replica (its queue is in memory), Services for HTTP and gRPC, an Ingress with TLS
 * and the NetworkPolicy that lets in Traefik, the agents and the named clients.
 */
export class WoodpeckerServer extends Construct {
  /** `https://<host>`. */
  readonly url: string;
  /** Address of the webhook inside the cluster: no TLS, so the forge needs to trust no CA. */
  readonly webhookUrl: string;
  /** Host and port that agents connect to. */
  readonly grpcAddress: string;
  readonly secrets: WoodpeckerSecrets;

  constructor(scope: Construct, id: string, props: WoodpeckerServerProps) {
    super(scope, id);
    if (props.admins.length === 0) throw new Error('Woodpecker has no administrator; name at least one forge user');
    const service = `${name}.${namespaceOf(this)}.svc.cluster.local`;
    this.secrets = woodpeckerSecrets(namespaceOf(this));
    this.webhookUrl = `http://${service}:${httpPort}`;
    this.grpcAddress = `${service}:${grpcPort}`;
    new KubeServiceAccount(this, 'Account', { metadata: { name }, automountServiceAccountToken: false });
    this.addDeployment(props);
    this.addService();
    this.url = new SecureIngress(this, 'Dashboard', {
      name: 'woodpecker',
      host: props.host,
      clusterIssuer: props.clusterIssuer,
      routes: [{ service: name, port: 'http' }],
    }).url;
    this.addWaysIn(props);
  }

  private addDeployment(props: WoodpeckerServerProps): void {
    const authority = props.forge.caConfigMap;
    new KubeDeployment(this, 'Deployment', {
      metadata: { name },
      spec: {
        replicas: 1,
        // Two servers would each have a queue of their own.
        strategy: { type: 'Recreate' },
        selector: { matchLabels: { ...serverLabels } },
        template: {
          metadata: { labels: { ...serverLabels } },
          spec: {
            serviceAccountName: name,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: restrictedPod({ uid: 1000, fsGroup: 1000 }),
            containers: [this.container(props)],
            volumes: [
              { name: 'work', emptyDir: { sizeLimit: Quantity.fromString('128Mi') } },
              ...(authority ? [{ name: 'forge-ca', configMap: { name: authority } }] : []),
            ],
          },
        },
      },
    });
  }

  private container(props: WoodpeckerServerProps): Container {
    return {
      name: 'server',
      image: imageReference(props.image),
      env: this.environment(props),
      ports: [
        { name: 'http', containerPort: httpPort },
        { name: 'grpc', containerPort: grpcPort },
        { name: 'metrics', containerPort: metricsPort },
      ],
      resources: resourceRequirements(
        props.resources ?? { cpu: '100m', memory: '128Mi', cpuLimit: '1', memoryLimit: '512Mi' },
      ),
      securityContext: restrictedContainer(),
      // /healthz asks the database too. A server whose database is away takes no traffic, but a restart would not help.
      startupProbe: httpProbe('/healthz', { periodSeconds: 5, failureThreshold: 60 }),
      readinessProbe: httpProbe('/healthz', { periodSeconds: 10, failureThreshold: 3 }),
      livenessProbe: httpProbe('/version', { periodSeconds: 20, failureThreshold: 3 }),
      volumeMounts: [
        { name: 'work', mountPath: '/var/lib/woodpecker', subPath: 'data' },
        { name: 'work', mountPath: '/tmp', subPath: 'tmp' },
        ...(props.forge.caConfigMap ? [{ name: 'forge-ca', mountPath: '/ca', readOnly: true }] : []),
      ],
    };
  }

  private environment(props: WoodpeckerServerProps): EnvVar[] {
    const { forge, database } = props;
    const timeout = props.pipelineTimeoutMinutes ?? 120;
    return [
      ...environment({
        WOODPECKER_HOST: `https://${props.host}`,
        WOODPECKER_EXPERT_WEBHOOK_HOST: this.webhookUrl,
        WOODPECKER_SERVER_ADDR: `:${httpPort}`,
        WOODPECKER_GRPC_ADDR: `:${grpcPort}`,
        WOODPECKER_METRICS_SERVER_ADDR: `:${metricsPort}`,
        WOODPECKER_LOG_LEVEL: 'info',
        WOODPECKER_DISABLE_VERSION_CHECK: true,
        WOODPECKER_GITEA: true,
        WOODPECKER_GITEA_URL: forge.url,
        WOODPECKER_GITEA_SKIP_VERIFY: false,
        WOODPECKER_EXPERT_FORGE_OAUTH_HOST: forge.browserUrl,
        SSL_CERT_DIR: forge.caConfigMap ? '/ca' : undefined,
      }),
      secretVariable('WOODPECKER_GITEA_CLIENT', this.secrets.oauth, 'client-id'),
      secretVariable('WOODPECKER_GITEA_SECRET', this.secrets.oauth, 'client-secret'),
      ...environment({
        WOODPECKER_OPEN: props.openToForgeUsers ?? true,
        WOODPECKER_ADMIN: props.admins.join(','),
        WOODPECKER_REPO_OWNERS: props.repositoryOwners?.join(','),
        WOODPECKER_AUTHENTICATE_PUBLIC_REPOS: true,
        WOODPECKER_DEFAULT_APPROVAL_MODE: 'forks',
        WOODPECKER_DISABLE_USER_AGENT_REGISTRATION: true,
      }),
      secretVariable('WOODPECKER_AGENT_SECRET', this.secrets.internal, 'agent-secret'),
      secretVariable('WOODPECKER_GRPC_SECRET', this.secrets.internal, 'grpc-secret'),
      // The datasource refers to the variable before it; the kubelet puts the value in.
      secretVariable('DATABASE_PASSWORD', database.passwordSecret, 'password'),
      ...environment({
        WOODPECKER_DATABASE_DRIVER: 'postgres',
        WOODPECKER_DATABASE_DATASOURCE: `postgres://${database.user}:$(DATABASE_PASSWORD)@${database.host}:${database.port}/${database.database}?sslmode=disable`,
        WOODPECKER_PLUGINS_PRIVILEGED: props.privilegedPlugins.map(tagReference).join(','),
        WOODPECKER_PLUGINS_TRUSTED_CLONE: tagReference(props.clonePlugin),
        WOODPECKER_DEFAULT_CLONE_PLUGIN: tagReference(props.clonePlugin),
        WOODPECKER_DEFAULT_PIPELINE_TIMEOUT: timeout,
        WOODPECKER_MAX_PIPELINE_TIMEOUT: timeout,
        WOODPECKER_DEFAULT_CANCEL_PREVIOUS_PIPELINE_EVENTS: (props.cancelPrevious ?? ['pull_request']).join(','),
        WOODPECKER_FORCE_IGNORE_SERVICE_FAILURE: false,
        // Gitea waits 5 seconds for an answer; at the default of 5 it reports deliveries as failed that were not.
        WOODPECKER_WEBHOOK_SYNC_TIMEOUT: '3s',
      }),
    ];
  }

  private addService(): void {
    new KubeService(this, 'Service', {
      metadata: { name },
      spec: {
        type: 'ClusterIP',
        selector: { ...serverLabels },
        ports: [
          { name: 'http', port: httpPort, targetPort: IntOrString.fromString('http'), protocol: 'TCP' },
          {
            name: 'grpc',
            port: grpcPort,
            targetPort: IntOrString.fromString('grpc'),
            protocol: 'TCP',
            appProtocol: 'kubernetes.io/h2c',
          },
          { name: 'metrics', port: metricsPort, targetPort: IntOrString.fromString('metrics'), protocol: 'TCP' },
        ],
      },
    });
  }

  private addWaysIn(props: WoodpeckerServerProps): void {
    new AllowIngress(this, 'WaysIn', {
      name,
      to: serverLabels,
      ways: [
        { from: [fromTraefik(props.traefik), ...(props.httpClients ?? [])], ports: [httpPort] },
        { from: [fromPods(agentLabels)], ports: [grpcPort] },
        ...(props.metricsClients?.length ? [{ from: props.metricsClients, ports: [metricsPort] }] : []),
      ],
    });
  }
}

function httpProbe(path: string, timing: Pick<Probe, 'periodSeconds' | 'failureThreshold'>): Probe {
  return { httpGet: { path, port: IntOrString.fromString('http') }, timeoutSeconds: 5, ...timing };
}

/** Woodpecker compares plugins by repository and tag; a digest would match nothing. */
function tagReference(image: Image): string {
  return `${image.repository}:${image.tag}`;
}
