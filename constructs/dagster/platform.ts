import { Construct } from 'constructs';
import { HttpRoute, HttpRouteSpecRulesMatchesPathType } from '../../imports/gateway.networking.k8s.io.ts';
import {
  type Container,
  type EnvVar,
  IntOrString,
  KubeDeployment,
  KubePersistentVolumeClaim,
  KubeRole,
  KubeRoleBinding,
  KubeService,
  KubeServiceAccount,
  Quantity,
  type Volume,
  type VolumeMount,
} from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import type { Gateway } from '../argo-events/index.ts';
import { PeerCertificate, PrivateAuthority } from '../cert-manager/index.ts';
import { yamlDocument } from '../core/index.ts';
import { AllowIngress, fromNamespace, fromPods } from '../network/index.ts';
import { Postgres } from '../postgres/index.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
  ScriptConfig,
} from '../workload/index.ts';
import {
  dagsterClientLabel,
  dagsterDatabase,
  dagsterIssuer,
  dagsterPeer,
  dagsterPort,
  dagsterRunAccount,
  dagsterUser,
} from './names.ts';
import poolScript from './pool.sh';
import { clientTunnel, tunnelVolume } from './tunnel.ts';

/** The log-in in front of the web UI. */
export interface DagsterLogin {
  /** OpenID Connect issuer. */
  readonly issuer: string;
  /** Groups whose members may enter. */
  readonly groups: readonly string[];
  readonly image: Image;
}

export interface DagsterPlatformProps {
  /** Image with webserver, daemon and the Kubernetes and PostgreSQL libraries of one version. */
  readonly image: Image;
  readonly postgres: { readonly image: Image; readonly major: number; readonly size: string };
  readonly poolImage: Image;
  readonly tunnelImage: Image;
  readonly exporter: {
    readonly image: Image;
    readonly command: readonly string[];
    readonly volume: Volume;
    readonly mount: VolumeMount;
  };
  /** Names of the code locations: each is a Service of its name in this namespace. */
  readonly locations: readonly string[];
  readonly host: string;
  readonly gateway: Gateway;
  readonly login: DagsterLogin;
  /** Log-in for pulling the locations' images. */
  readonly pullSecret: string;
  /** Namespace that collects metrics. */
  readonly metricsFrom: string;
  /** Runs at a time. @default 10 */
  readonly concurrentRuns?: number;
}

const configFolder = '/config';
const home = '/dagster-home';
const passwordFolder = '/run/secrets/postgres';

/**
 * Dagster for one environment: web server behind a log-in, daemon, run launcher, PostgreSQL with nightly dumps and a connection
 * pool, and a way with certificates on both sides to each code location. The list of locations comes from what is rendered, so
 * that none is registered by hand; a changed list rolls web server and daemon.
 */
export class DagsterPlatform extends Construct {
  readonly secrets: readonly SecretRef[];
  private readonly config: string;
  private readonly loginSecret: SecretRef;
  private readonly passwordSecret: SecretRef;

  constructor(scope: Construct, id: string, props: DagsterPlatformProps) {
    super(scope, id);
    const doubled = props.locations.filter((name, index) => props.locations.indexOf(name) !== index);
    if (doubled.length > 0) throw new Error(`dagster: two code locations are called ${doubled.join(', ')}`);
    const namespace = namespaceOf(this);
    this.loginSecret = {
      namespace,
      name: 'dagster-login',
      keys: ['client-id', 'client-secret', 'cookie-secret'],
      provenance: 'provided',
      purpose: `OpenID Connect client of https://${props.host}; cookie-secret is 32 random characters`,
    };
    this.passwordSecret = this.addDatabase(props);
    this.secrets = [this.loginSecret, this.passwordSecret];
    const runs = new ScriptConfig(this, 'RunConfig', {
      name: 'dagster-run',
      files: { 'dagster.yaml': yamlDocument(storage) },
    });
    this.config = new ScriptConfig(this, 'Config', {
      name: 'dagster',
      files: {
        'dagster.yaml': instance(props, namespace, runs.configMapName),
        'workspace.yaml': workspace(props.locations),
      },
    }).configMapName;
    new PrivateAuthority(this, 'Authority', { name: dagsterIssuer });
    new PeerCertificate(this, 'Certificate', {
      name: 'dagster-platform-tls',
      issuer: dagsterIssuer,
      dnsNames: [dagsterPeer.platform],
    });
    this.addAccounts();
    this.addWebServer(props);
    this.addDaemon(props);
    this.addPool(props);
    this.addExporter(props);
    this.addRoute(props);
  }

  private addDatabase(props: DagsterPlatformProps): SecretRef {
    const claimName = dagsterDatabase.postgres;
    new KubePersistentVolumeClaim(this, 'Claim', {
      metadata: { name: claimName, annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' } },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: Quantity.fromString(props.postgres.size) } },
      },
    });
    return new Postgres(this, 'Postgres', {
      name: dagsterDatabase.postgres,
      image: props.postgres.image,
      major: props.postgres.major,
      database: dagsterDatabase.name,
      user: dagsterDatabase.user,
      claimName,
      clients: [named('dagster-pool')],
    }).passwordSecret;
  }

  private addAccounts(): void {
    for (const name of ['dagster', dagsterRunAccount, 'dagster-pool', 'dagster-metrics']) {
      new KubeServiceAccount(this, `account-${name}`, { metadata: { name }, automountServiceAccountToken: false });
    }
    // The run launcher makes a Job for each run, here and nowhere else.
    new KubeRole(this, 'Launcher', {
      metadata: { name: 'dagster-run-launcher' },
      rules: [
        { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'delete', 'patch'] },
        { apiGroups: ['batch'], resources: ['jobs/status'], verbs: ['get'] },
        { apiGroups: [''], resources: ['pods', 'pods/log', 'pods/status', 'events'], verbs: ['get', 'list', 'watch'] },
      ],
    });
    new KubeRoleBinding(this, 'LauncherBinding', {
      metadata: { name: 'dagster-run-launcher' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'dagster-run-launcher' },
      subjects: ['dagster', dagsterRunAccount].map((name) => ({ kind: 'ServiceAccount', name })),
    });
  }

  private addWebServer(props: DagsterPlatformProps): void {
    const name = 'dagster-webserver';
    const labels = { ...named(name), ...dagsterClientLabel };
    new KubeDeployment(this, 'WebServer', {
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: named(name) },
        template: {
          metadata: { labels },
          spec: {
            ...this.pod('dagster', true),
            containers: [
              {
                ...this.dagster(props, 'webserver', { cpu: '100m', memory: '512Mi', memoryLimit: '1Gi' }),
                args: [
                  'dagster-webserver',
                  '--host=0.0.0.0',
                  `--port=${dagsterPort.web}`,
                  `--workspace=${configFolder}/workspace.yaml`,
                ],
                ports: [{ name: 'web', containerPort: dagsterPort.web }],
                startupProbe: { ...web('/server_info', 'web'), periodSeconds: 5, failureThreshold: 60 },
                readinessProbe: { ...web('/server_info', 'web'), periodSeconds: 10 },
                livenessProbe: {
                  tcpSocket: { port: IntOrString.fromString('web') },
                  periodSeconds: 30,
                  failureThreshold: 4,
                },
              },
              this.login(props),
              ...this.tunnels(props),
            ],
            volumes: this.volumes('dagster-platform-tls'),
          },
        },
      },
    });
    new KubeService(this, 'WebService', {
      metadata: { name },
      spec: {
        selector: named(name),
        ports: [
          { name: 'login', port: dagsterPort.login, targetPort: IntOrString.fromString('login'), protocol: 'TCP' },
          { name: 'web', port: dagsterPort.web, targetPort: IntOrString.fromString('web'), protocol: 'TCP' },
        ],
      },
    });
    // From outside nothing but the log-in is reached.
    new AllowIngress(this, 'WebClients', {
      name,
      to: named(name),
      ways: [
        { from: [fromNamespace(props.gateway.proxyNamespace)], ports: ['login'] },
        { from: [fromPods(named('dagster-metrics'))], ports: ['web'] },
      ],
    });
  }

  private login({ login, host }: DagsterPlatformProps): Container {
    const key = (name: string, secretKey: string): EnvVar => ({
      name,
      valueFrom: { secretKeyRef: { name: this.loginSecret.name, key: secretKey } },
    });
    return {
      name: 'login',
      image: imageReference(login.image),
      args: [
        '--provider=oidc',
        `--oidc-issuer-url=${login.issuer}`,
        `--redirect-url=https://${host}/oauth2/callback`,
        `--upstream=http://127.0.0.1:${dagsterPort.web}`,
        `--http-address=0.0.0.0:${dagsterPort.login}`,
        '--email-domain=*',
        ...login.groups.map((group) => `--allowed-group=${group}`),
        '--scope=openid email profile groups',
        '--code-challenge-method=S256',
        '--cookie-secure=true',
        '--cookie-samesite=lax',
        '--reverse-proxy=true',
        '--skip-provider-button=true',
      ],
      env: [
        key('OAUTH2_PROXY_CLIENT_ID', 'client-id'),
        key('OAUTH2_PROXY_CLIENT_SECRET', 'client-secret'),
        key('OAUTH2_PROXY_COOKIE_SECRET', 'cookie-secret'),
      ],
      ports: [{ name: 'login', containerPort: dagsterPort.login }],
      resources: resourceRequirements({ cpu: '20m', memory: '64Mi', memoryLimit: '128Mi', disk: '64Mi' }),
      securityContext: restrictedContainer(),
      readinessProbe: { ...web('/ready', 'login'), periodSeconds: 10 },
      livenessProbe: { ...web('/ping', 'login'), periodSeconds: 20 },
    };
  }

  private addDaemon(props: DagsterPlatformProps): void {
    const name = 'dagster-daemon';
    const labels = { ...named(name), ...dagsterClientLabel };
    new KubeDeployment(this, 'Daemon', {
      metadata: { name },
      spec: {
        replicas: 1,
        // Two daemons would start every schedule twice.
        strategy: { type: 'Recreate' },
        selector: { matchLabels: named(name) },
        template: {
          metadata: { labels },
          spec: {
            ...this.pod('dagster', true),
            containers: [
              {
                ...this.dagster(props, 'daemon', { cpu: '100m', memory: '512Mi', memoryLimit: '1Gi' }),
                args: ['dagster-daemon', 'run', `--workspace=${configFolder}/workspace.yaml`],
                readinessProbe: {
                  exec: { command: ['dagster-daemon', 'liveness-check'] },
                  periodSeconds: 60,
                  timeoutSeconds: 30,
                  failureThreshold: 3,
                },
              },
              ...this.tunnels(props),
            ],
            volumes: this.volumes('dagster-platform-tls'),
          },
        },
      },
    });
  }

  private addPool({ poolImage }: DagsterPlatformProps): void {
    const name = dagsterDatabase.pool;
    const config = new ScriptConfig(this, 'PoolConfig', {
      name,
      files: { 'pool.sh': poolScript, 'pgbouncer.ini': poolSettings() },
    }).configMapName;
    new KubeDeployment(this, 'Pool', {
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: named(name) },
        template: {
          metadata: { labels: named(name) },
          spec: {
            ...this.pod(name, false),
            containers: [
              {
                name: 'pgbouncer',
                image: imageReference(poolImage),
                command: ['sh', `${configFolder}/pool.sh`],
                env: [
                  { name: 'POOL_USER', value: dagsterDatabase.user },
                  { name: 'POOL_CONFIG', value: `${configFolder}/pgbouncer.ini` },
                  { name: 'PASSWORD_FILE', value: `${passwordFolder}/password` },
                ],
                ports: [{ name: 'postgres', containerPort: 5432 }],
                resources: resourceRequirements({ cpu: '20m', memory: '32Mi', memoryLimit: '128Mi', disk: '64Mi' }),
                securityContext: restrictedContainer(),
                readinessProbe: { tcpSocket: { port: IntOrString.fromString('postgres') }, periodSeconds: 10 },
                livenessProbe: {
                  tcpSocket: { port: IntOrString.fromString('postgres') },
                  periodSeconds: 20,
                  failureThreshold: 6,
                },
                volumeMounts: [
                  { name: 'config', mountPath: configFolder, readOnly: true },
                  { name: 'password', mountPath: passwordFolder, readOnly: true },
                  { name: 'tmp', mountPath: '/tmp' },
                ],
              },
            ],
            volumes: [
              { name: 'config', configMap: { name: config } },
              { name: 'password', secret: { secretName: this.passwordSecret.name, defaultMode: 0o440 } },
              { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: Quantity.fromString('16Mi') } },
            ],
          },
        },
      },
    });
    new KubeService(this, 'PoolService', {
      metadata: { name },
      spec: {
        selector: named(name),
        ports: [{ name: 'postgres', port: 5432, targetPort: IntOrString.fromString('postgres'), protocol: 'TCP' }],
      },
    });
    new AllowIngress(this, 'PoolClients', {
      name,
      to: named(name),
      ways: [{ from: [fromPods(dagsterClientLabel), fromPods({ 'dagster/code-run': 'true' })], ports: ['postgres'] }],
    });
  }

  private addExporter({ exporter, metricsFrom }: DagsterPlatformProps): void {
    const name = 'dagster-metrics';
    new KubeDeployment(this, 'Exporter', {
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: named(name) },
        template: {
          metadata: {
            labels: named(name),
            annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(dagsterPort.metrics) },
          },
          spec: {
            ...this.pod(name, false),
            containers: [
              {
                name: 'exporter',
                image: imageReference(exporter.image),
                command: [...exporter.command],
                env: [
                  { name: 'DAGSTER_URL', value: `http://dagster-webserver:${dagsterPort.web}` },
                  { name: 'PORT', value: String(dagsterPort.metrics) },
                ],
                ports: [{ name: 'metrics', containerPort: dagsterPort.metrics }],
                resources: resourceRequirements({ cpu: '10m', memory: '64Mi', memoryLimit: '128Mi', disk: '64Mi' }),
                securityContext: restrictedContainer(),
                readinessProbe: { ...web('/healthz', 'metrics'), periodSeconds: 10 },
                livenessProbe: { tcpSocket: { port: IntOrString.fromString('metrics') }, periodSeconds: 30 },
                volumeMounts: [exporter.mount],
              },
            ],
            volumes: [exporter.volume],
          },
        },
      },
    });
    new AllowIngress(this, 'MetricsClients', {
      name,
      to: named(name),
      ways: [{ from: [fromNamespace(metricsFrom)], ports: ['metrics'] }],
    });
  }

  private addRoute({ gateway, host }: DagsterPlatformProps): void {
    new HttpRoute(this, 'Route', {
      metadata: { name: 'dagster' },
      spec: {
        parentRefs: [{ name: gateway.name, namespace: gateway.namespace }],
        hostnames: [host],
        rules: [
          {
            matches: [{ path: { type: HttpRouteSpecRulesMatchesPathType.PATH_PREFIX, value: '/' } }],
            backendRefs: [{ name: 'dagster-webserver', port: dagsterPort.login }],
          },
        ],
      },
    });
  }

  private pod(serviceAccountName: string, usesCluster: boolean) {
    return {
      serviceAccountName,
      automountServiceAccountToken: usesCluster,
      enableServiceLinks: false,
      securityContext: restrictedPod({ uid: dagsterUser, fsGroup: dagsterUser }),
    };
  }

  private dagster({ image }: DagsterPlatformProps, name: string, resources: Resources): Container {
    return {
      name,
      image: imageReference(image),
      env: [
        { name: 'DAGSTER_HOME', value: home },
        {
          name: 'DAGSTER_PG_PASSWORD',
          valueFrom: { secretKeyRef: { name: this.passwordSecret.name, key: 'password' } },
        },
      ],
      resources: resourceRequirements(resources),
      securityContext: restrictedContainer(),
      volumeMounts: [
        { name: 'config', mountPath: configFolder, readOnly: true },
        { name: 'home', mountPath: home },
        { name: 'config', mountPath: `${home}/dagster.yaml`, subPath: 'dagster.yaml', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    };
  }

  private tunnels({ locations, tunnelImage }: DagsterPlatformProps): Container[] {
    return locations.map((service, index) =>
      clientTunnel({
        name: `tunnel-${service}`,
        image: tunnelImage,
        port: dagsterPort.firstTunnel + index,
        statusPort: 6061 + index,
        service,
      }),
    );
  }

  private volumes(certificate: string): Volume[] {
    return [
      { name: 'config', configMap: { name: this.config } },
      { name: 'home', emptyDir: { sizeLimit: Quantity.fromString('128Mi') } },
      { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('128Mi') } },
      tunnelVolume(certificate),
    ];
  }
}

function named(name: string): { 'app.kubernetes.io/name': string } {
  return { 'app.kubernetes.io/name': name };
}

function web(path: string, port: string) {
  return { httpGet: { path, port: IntOrString.fromString(port) }, timeoutSeconds: 5 };
}

/** Where Dagster keeps everything: the same for the platform and for runs. */
const storage = {
  storage: {
    postgres: {
      postgres_db: {
        hostname: dagsterDatabase.pool,
        port: 5432,
        db_name: dagsterDatabase.name,
        username: dagsterDatabase.user,
        password: { env: 'DAGSTER_PG_PASSWORD' },
      },
    },
  },
  telemetry: { enabled: false },
} as const;

/** Dagster's own settings. */
function instance(props: DagsterPlatformProps, namespace: string, runConfig: string): string {
  return yamlDocument({
    ...storage,
    run_launcher: {
      module: 'dagster_k8s',
      class: 'K8sRunLauncher',
      config: {
        service_account_name: dagsterRunAccount,
        job_namespace: namespace,
        // What each run's pod mounts as its dagster.yaml.
        instance_config_map: runConfig,
        dagster_home: home,
        image_pull_secrets: [{ name: props.pullSecret }],
        run_k8s_config: {
          pod_template_spec_metadata: { labels: { 'dagster/code-run': 'true' } },
          pod_spec_config: {
            security_context: {
              run_as_non_root: true,
              run_as_user: dagsterUser,
              seccomp_profile: { type: 'RuntimeDefault' },
            },
          },
          container_config: {
            env: [
              {
                name: 'DAGSTER_PG_PASSWORD',
                value_from: { secret_key_ref: { name: dagsterDatabase.postgres, key: 'password' } },
              },
            ],
            security_context: { allow_privilege_escalation: false, capabilities: { drop: ['ALL'] } },
            resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
          },
          job_spec_config: { ttl_seconds_after_finished: 86400 },
        },
      },
    },
    run_coordinator: {
      module: 'dagster.core.run_coordinator',
      class: 'QueuedRunCoordinator',
      config: { max_concurrent_runs: props.concurrentRuns ?? 10 },
    },
  });
}

/** One entry for each rendered location: the local end of its tunnel. */
function workspace(locations: readonly string[]): string {
  return yamlDocument({
    load_from: locations.map((name, index) => ({
      grpc_server: { host: '127.0.0.1', port: dagsterPort.firstTunnel + index, location_name: name },
    })),
  });
}

function poolSettings(): string {
  const { name, postgres } = dagsterDatabase;
  // Sessions, not transactions: Dagster prepares statements and holds advisory locks.
  return `[databases]
${name} = host=${postgres} port=5432 dbname=${name}

[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 5432
auth_type = scram-sha-256
auth_file = /tmp/users.txt
pool_mode = session
max_client_conn = 500
default_pool_size = 40
server_idle_timeout = 60
ignore_startup_parameters = extra_float_digits,options
logfile =
pidfile =
`;
}
