import { describe, expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { fromNamespace } from '../../../constructs/network/index.ts';
import {
  StepPolicy,
  type StepPolicyProps,
  stepLabelValue,
  WoodpeckerAgent,
  type WoodpeckerAgentProps,
  WoodpeckerServer,
  type WoodpeckerServerProps,
  WoodpeckerSteps,
} from '../../../constructs/woodpecker/index.ts';
import { podSpecsOf } from '../../support/references.ts';
import { objectNamed, objectsIn } from '../../support/rendered.ts';

const serverProps: WoodpeckerServerProps = {
  image: { repository: 'docker.io/woodpeckerci/woodpecker-server', tag: 'v3.17.0' },
  host: 'ci.example.org',
  forge: { url: 'http://10.1.1.12:30300' },
  database: {
    host: 'ci-postgres',
    port: 5432,
    database: 'woodpecker',
    user: 'woodpecker',
    passwordSecret: {
      namespace: 'ci',
      name: 'ci-postgres',
      keys: ['password'],
      provenance: 'generated',
      purpose: 'test',
    },
  },
  admins: ['root', 'ci'],
  clonePlugin: { repository: 'docker.io/woodpeckerci/plugin-git', tag: '2.9.2', digest: `sha256:${'0'.repeat(64)}` },
  privilegedPlugins: [{ repository: 'docker.io/woodpeckerci/plugin-docker-buildx', tag: '6.1.1' }],
  httpClients: [fromNamespace('git-server')],
};

const agentProps: WoodpeckerAgentProps = {
  image: { repository: 'docker.io/woodpeckerci/woodpecker-agent', tag: 'v3.17.0' },
  serverAddress: 'woodpecker-server.ci.svc.cluster.local:9000',
  stepsNamespace: 'ci-steps',
};

function server(change: Partial<WoodpeckerServerProps> = {}) {
  const output = new SystemOutput('demo');
  const made = new WoodpeckerServer(output.chart('server', { namespace: 'ci' }), 'Server', {
    ...serverProps,
    ...change,
  });
  return { made, files: output.files() };
}

function agent(change: Partial<WoodpeckerAgentProps> = {}) {
  const output = new SystemOutput('demo');
  new WoodpeckerAgent(output.chart('agent', { namespace: 'ci' }), 'Agent', { ...agentProps, ...change });
  return output.files();
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

/** The variables of the only container of a Deployment, by name. */
function variables(files: ReturnType<typeof agent>): Record<string, unknown> {
  const [pod] = objectsIn(files).flatMap(podSpecsOf);
  const [container] = (pod?.['containers'] ?? []) as Array<{ env: Variable[] }>;
  return Object.fromEntries((container?.env ?? []).map(({ name, value, valueFrom }) => [name, value ?? valueFrom]));
}

const key = (name: string, entry: string) => ({ secretKeyRef: { name, key: entry } });

describe('the Woodpecker server', () => {
  const { made, files } = server();
  const env = variables(files);

  test('is a Deployment of one replica that never runs twice', () => {
    expect(objectNamed(files, 'Deployment', 'woodpecker-server', 'ci').spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'Recreate' },
    });
  });

  test('logs people in by Gitea: any of its users, with the administrators by name', () => {
    expect(env).toMatchObject({
      WOODPECKER_GITEA: 'true',
      WOODPECKER_GITEA_URL: 'http://10.1.1.12:30300',
      WOODPECKER_GITEA_CLIENT: key('woodpecker-oauth', 'client-id'),
      WOODPECKER_GITEA_SECRET: key('woodpecker-oauth', 'client-secret'),
      WOODPECKER_OPEN: 'true',
      WOODPECKER_ADMIN: 'root,ci',
    });
    expect(variables(server({ openToForgeUsers: false }).files)['WOODPECKER_OPEN']).toBe('false');
    expect(() => server({ admins: [] })).toThrow(/no administrator/);
  });

  test('gets its webhooks inside the cluster, and answers before Gitea gives up', () => {
    expect(made.webhookUrl).toBe('http://woodpecker-server.ci.svc.cluster.local:8000');
    expect(env).toMatchObject({
      WOODPECKER_HOST: 'https://ci.example.org',
      WOODPECKER_EXPERT_WEBHOOK_HOST: made.webhookUrl,
      WOODPECKER_WEBHOOK_SYNC_TIMEOUT: '3s',
    });
  });

  test('keeps its data in PostgreSQL; the password comes from a Secret and stands before the address that uses it', () => {
    expect(env).toMatchObject({
      WOODPECKER_DATABASE_DRIVER: 'postgres',
      WOODPECKER_DATABASE_DATASOURCE:
        'postgres://woodpecker:$(DATABASE_PASSWORD)@ci-postgres:5432/woodpecker?sslmode=disable',
      DATABASE_PASSWORD: key('ci-postgres', 'password'),
    });
    const names = Object.keys(env);
    expect(names.indexOf('DATABASE_PASSWORD')).toBeLessThan(names.indexOf('WOODPECKER_DATABASE_DATASOURCE'));
  });

  test('shares fixed secrets with its agents, so that a restart cuts nobody off', () => {
    expect(env).toMatchObject({
      WOODPECKER_AGENT_SECRET: key('woodpecker-internal', 'agent-secret'),
      WOODPECKER_GRPC_SECRET: key('woodpecker-internal', 'grpc-secret'),
    });
    expect(variables(agent())['WOODPECKER_AGENT_SECRET']).toEqual(env['WOODPECKER_AGENT_SECRET']);
  });

  test('lets exactly the pinned build plugin run privileged, and only the pinned clone plugin see credentials', () => {
    expect(env).toMatchObject({
      WOODPECKER_PLUGINS_PRIVILEGED: 'docker.io/woodpeckerci/plugin-docker-buildx:6.1.1',
      WOODPECKER_PLUGINS_TRUSTED_CLONE: 'docker.io/woodpeckerci/plugin-git:2.9.2',
      WOODPECKER_DEFAULT_CLONE_PLUGIN: 'docker.io/woodpeckerci/plugin-git:2.9.2',
    });
  });

  test('gives a pipeline its time, never cancels one on main, and counts a failing service', () => {
    expect(variables(server({ pipelineTimeoutMinutes: 180 }).files)).toMatchObject({
      WOODPECKER_DEFAULT_PIPELINE_TIMEOUT: '180',
      WOODPECKER_MAX_PIPELINE_TIMEOUT: '180',
      WOODPECKER_DEFAULT_CANCEL_PREVIOUS_PIPELINE_EVENTS: 'pull_request',
      WOODPECKER_FORCE_IGNORE_SERVICE_FAILURE: 'false',
    });
  });

  test('is ready only with its database, and is not restarted for it', () => {
    const [pod] = objectsIn(files).flatMap(podSpecsOf);
    expect(pod?.['containers']).toMatchObject([
      {
        readinessProbe: { httpGet: { path: '/healthz' } },
        livenessProbe: { httpGet: { path: '/version' } },
        startupProbe: { httpGet: { path: '/healthz' } },
      },
    ]);
  });

  test('is reached by Traefik and the forge on HTTP, by agents on gRPC, and by nobody on the metrics', () => {
    expect(objectNamed(files, 'NetworkPolicy', 'woodpecker-server', 'ci').spec).toMatchObject({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'woodpecker-server' } },
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'traefik' } } },
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'git-server' } } },
          ],
          ports: [{ port: 8000 }],
        },
        {
          from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'woodpecker-agent' } } }],
          ports: [{ port: 9000 }],
        },
      ],
    });
    const observed = server({ metricsClients: [fromNamespace('monitoring')] }).files;
    expect(JSON.stringify(objectNamed(observed, 'NetworkPolicy', 'woodpecker-server').spec)).toContain('9001');
  });

  test('is served at its host with TLS by the issuer', () => {
    expect(made.url).toBe('https://ci.example.org');
    const ingress = objectNamed(files, 'Ingress', 'woodpecker', 'ci');
    expect(ingress.metadata.annotations).toMatchObject({ 'cert-manager.io/cluster-issuer': 'ca-issuer' });
    expect(ingress.spec).toMatchObject({
      rules: [{ http: { paths: [{ backend: { service: { name: 'woodpecker-server', port: { name: 'http' } } } }] } }],
      tls: [{ hosts: ['ci.example.org'] }],
    });
  });

  test('trusts a private CA of the forge when there is one', () => {
    const withCa = server({ forge: { url: 'https://git.example.org', caConfigMap: 'forge-ca' } }).files;
    expect(variables(withCa)['SSL_CERT_DIR']).toBe('/ca');
    expect(JSON.stringify(objectsIn(withCa).flatMap(podSpecsOf))).toContain('"configMap":{"name":"forge-ca"}');
    expect(env).not.toHaveProperty('SSL_CERT_DIR');
  });
});

describe('the Woodpecker agents', () => {
  const env = variables(agent());

  test('are a Deployment, as many as the settings say, without state of their own', () => {
    const files = agent({ replicas: 2 });
    expect(objectNamed(files, 'Deployment', 'woodpecker-agent', 'ci').spec).toMatchObject({ replicas: 2 });
    expect(env).toMatchObject({ WOODPECKER_AGENT_CONFIG_FILE: '', WOODPECKER_RETRY_TIMEOUT: '0' });
  });

  test('run steps as pods in a namespace of their own, on local volumes that one node has', () => {
    expect(env).toMatchObject({
      WOODPECKER_BACKEND: 'kubernetes',
      WOODPECKER_BACKEND_K8S_NAMESPACE: 'ci-steps',
      WOODPECKER_BACKEND_K8S_STORAGE_CLASS: 'local-path',
      WOODPECKER_BACKEND_K8S_STORAGE_RWX: 'false',
      WOODPECKER_MAX_WORKFLOWS: '1',
    });
    expect(() => agent({ stepsNamespace: 'ci' })).toThrow(/could mount the server's Secrets/);
  });

  test('let a step name a service account, but neither labels nor annotations nor Secrets', () => {
    expect(env).toMatchObject({
      WOODPECKER_BACKEND_K8S_SERVICE_ACCOUNT_NAME_ALLOW_FROM_STEP: 'true',
      WOODPECKER_BACKEND_K8S_POD_LABELS_ALLOW_FROM_STEP: 'false',
      WOODPECKER_BACKEND_K8S_POD_ANNOTATIONS_ALLOW_FROM_STEP: 'false',
      WOODPECKER_BACKEND_K8S_ALLOW_NATIVE_SECRETS: 'false',
    });
    expect(variables(agent({ nativeSecrets: ['ca'] }))['WOODPECKER_BACKEND_K8S_ALLOW_NATIVE_SECRETS']).toBe('true');
  });
});

test('server and agents run restricted, with requests and limits', () => {
  const pods = [...objectsIn(server().files), ...objectsIn(agent())].flatMap(podSpecsOf);
  expect(pods).toHaveLength(2);
  for (const pod of pods) {
    expect(pod).toMatchObject({
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          resources: {
            requests: { cpu: expect.anything(), memory: expect.anything() },
            limits: { cpu: expect.anything(), memory: expect.anything() },
          },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
  }
});

describe('the namespace of the steps', () => {
  const output = new SystemOutput('demo');
  new WoodpeckerSteps(output.chart('steps', { namespace: 'ci-steps' }), 'Steps', {
    agent: { namespace: 'ci', name: 'woodpecker-agent' },
  });
  const files = output.files();

  test('gives steps no API token, default limits but none of disk, and no way in', () => {
    expect(objectNamed(files, 'ServiceAccount', 'default', 'ci-steps')['automountServiceAccountToken']).toBe(false);
    const limits = objectNamed(files, 'LimitRange', 'steps', 'ci-steps').spec;
    // An eviction for disk would look like a success.
    expect(JSON.stringify(limits)).not.toContain('ephemeral-storage');
    expect(limits).toMatchObject({
      limits: [
        {
          type: 'Container',
          defaultRequest: { cpu: '200m', memory: '512Mi' },
          default: { cpu: '2', memory: '2Gi' },
        },
        { type: 'PersistentVolumeClaim' },
      ],
    });
    expect(objectNamed(files, 'NetworkPolicy', 'default-deny-ingress', 'ci-steps').spec).toBeDefined();
  });

  test('lets no step be evicted, because Woodpecker would take it for a success', () => {
    expect(objectNamed(files, 'PodDisruptionBudget', 'running-steps', 'ci-steps').spec).toEqual({
      minAvailable: 1000,
      selector: { matchExpressions: [{ key: 'woodpecker-ci.org/task-uuid', operator: 'Exists' }] },
    });
  });

  test('gives the agents what they call, and no more', () => {
    expect(objectNamed(files, 'Role', 'woodpecker-agent', 'ci-steps')['rules']).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['create', 'delete', 'get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
      { apiGroups: [''], resources: ['persistentvolumeclaims', 'services', 'secrets'], verbs: ['create', 'delete'] },
    ]);
  });
});

describe('the policy of the steps', () => {
  const account = {
    serviceAccount: 'tester',
    repository: 'Stonks/stonks-oracle',
    branch: 'main',
    events: ['push'],
    step: 'integration-test',
  };
  const policy = (change: Partial<StepPolicyProps> = {}) => {
    const output = new SystemOutput('demo');
    new StepPolicy(output.chart('policy', { namespace: 'ci-steps' }), 'Policy', {
      stepsNamespace: 'ci-steps',
      privilegedPlugins: serverProps.privilegedPlugins,
      accounts: [account],
      ...change,
    });
    return output.files();
  };

  test('fails closed, for the namespace of the steps alone', () => {
    expect(objectNamed(policy(), 'ValidatingAdmissionPolicy', 'woodpecker-steps').spec).toMatchObject({
      failurePolicy: 'Fail',
      matchConstraints: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ci-steps' } } },
    });
  });

  test('never lets pull requests have an account', () => {
    expect(() => policy({ accounts: [{ ...account, events: ['push', 'pull_request'] }] })).toThrow(/pull requests/);
  });

  test('compares labels as Woodpecker writes them', () => {
    expect(stepLabelValue('Stonks/stonks-oracle')).toBe('stonks-stonks-oracle');
    expect(stepLabelValue('feature/A--b__c.')).toBe('feature-a-b-c');
    expect(() => stepLabelValue('x'.repeat(64))).toThrow(/cannot be told apart/);
    expect(() => stepLabelValue('///')).toThrow(/cannot be told apart/);
    expect(JSON.stringify(objectsIn(policy()))).toContain("in ['stonks-stonks-oracle']");
  });
});
