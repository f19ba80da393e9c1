import { z } from 'zod';
import { forgeKinds } from '../../model/forge-url/index.ts';
import { byteQuantity, dnsLabel, hostName, httpsRepository, httpUrl, portNumber } from '../../model/identifiers.ts';
import { imageSchema } from '../../model/image.ts';
import type { Problem } from '../../model/problems.ts';

const version = z.string().regex(/^\d+\.\d+\.\d+$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no version; write it like 1.2.3`,
});
const webhookPath = z.string().regex(/^(\/[a-z0-9-]+)+$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no path of a webhook; write it like /github/push`,
});
const repositoryName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no name of an application; use up to 42 lower-case letters, digits and "-"`,
});
const groups = z.array(z.string().min(1)).min(1, 'somebody has to be in charge; name a group of the log-in');
const quotaSchema = z.strictObject({
  /** CPU of all pods together. */
  cpu: z.string().regex(/^[1-9][0-9]*m?$/, 'no amount of CPU; write it like 4 or 500m'),
  memory: byteQuantity,
  pods: z.int().min(1, 'set at least 1'),
  /** All volumes together. */
  storage: byteQuantity,
});

const webSchema = z.strictObject({
  kind: z.literal('web'),
  name: repositoryName,
  /** Port that it listens on. */
  port: portNumber,
  /** Path that answers 200 when it is ready. */
  health: z.string().startsWith('/', 'no path; write it like /healthz'),
  /** Pods in production; the sandbox has one. */
  replicas: z.int().min(1, 'set at least 1'),
});
const codeLocationSchema = z.strictObject({
  kind: z.literal('code-location'),
  name: repositoryName,
  /** Python module with the definitions. */
  module: z.string().regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$/, 'no Python module; write it like pipelines'),
});

export const schema = z.strictObject({
  /** Namespace of the control plane. */
  namespace: dnsLabel,
  /** What luban-bootstrapper has installed. */
  platform: z.strictObject({
    minimumKubernetes: z.string(),
    argoWorkflows: version,
    argoEvents: version,
    argoCd: version,
    kpack: version,
    envoyGateway: version,
    certManager: version,
    replicator: version,
    namespaces: z.strictObject({
      argoCd: dnsLabel,
      argoWorkflows: dnsLabel,
      argoEvents: dnsLabel,
      kpack: dnsLabel,
      harbor: dnsLabel,
      certManager: dnsLabel,
      replicator: dnsLabel,
      metrics: dnsLabel,
    }),
    /** Version of JetStream that the controller of Argo Events knows. */
    jetStream: version,
  }),
  gateway: z.strictObject({
    name: dnsLabel,
    namespace: dnsLabel,
    proxyNamespace: dnsLabel,
    /** Host names that it listens on, as `*.DOMAIN`. */
    listeners: z.array(z.string().regex(/^\*\.[a-z0-9.-]+$/, 'no wildcard; write it like *.luban.example.com')).min(1),
  }),
  hosts: z.strictObject({
    /** What every forge calls. */
    webhook: hostName,
    /** Web applications are reached at NAME.snd.DOMAIN and NAME.DOMAIN; Dagster too. */
    applications: hostName,
    /** OpenID Connect issuer of the log-in. */
    login: httpUrl,
  }),
  /** The repository with the rendered files, and its branch. */
  pipelines: z.strictObject({ repository: httpsRepository, revision: z.string().min(1) }),
  forges: z.array(
    z.strictObject({
      name: dnsLabel,
      kind: z.enum(forgeKinds),
      url: httpUrl,
      /** Port and path of its webhook's endpoint. */
      port: portNumber,
      path: webhookPath,
      /** The user that deliveries push as. Its pushes start nothing. */
      user: z.string().min(1),
    }),
  ),
  /** Where images go. */
  registry: z.strictObject({
    /** Applications' images, one project a tenant. */
    applications: hostName,
    /** Images of stack, buildpack and builder. */
    platform: z
      .string()
      .regex(/^[a-z0-9.-]+(\/[a-z0-9._-]+)+$/, 'no path in a registry; write it like quay.io/luban-ci'),
  }),
  tenants: z.array(
    z.strictObject({
      name: dnsLabel,
      /** The one setting that decides which product the tenant's repositories are on. */
      forge: dnsLabel,
      /** Organisation of the repositories; '' on a server of one's own. */
      owner: z.string(),
      /** Project of Azure DevOps. */
      project: z.string().min(1).optional(),
      groups: z.strictObject({ admins: groups, developers: groups }),
      /** Builds at a time. */
      concurrentBuilds: z.int().min(1, 'set at least 1').max(50, 'set at most 50'),
      quotas: z.strictObject({ ci: quotaSchema, sandbox: quotaSchema, production: quotaSchema }),
      /** Whether the tenant has a Dagster of its own, one an environment. */
      dagster: z.boolean(),
      applications: z.array(z.discriminatedUnion('kind', [webSchema, codeLocationSchema])),
    }),
  ),
  builds: z.strictObject({
    /** Seconds until kpack has made the build of a revision. */
    appearsWithin: z.int().min(60, 'set at least 60'),
    /** Seconds until a build has ended. */
    endsWithin: z.int().min(300, 'set at least 300'),
  }),
  buildpack: z.strictObject({
    version,
    python: z.string().regex(/^3\.\d+$/, 'no version of Python; write it like 3.12'),
  }),
  stack: z.strictObject({ base: imageSchema, uv: imageSchema, lifecycle: imageSchema, lifecycleVersion: version }),
  dagster: z.strictObject({
    version,
    image: imageSchema,
    postgres: imageSchema,
    postgresMajor: z.int(),
    postgresSize: byteQuantity,
    pool: imageSchema,
    tunnel: imageSchema,
    login: imageSchema,
  }),
  images: z.strictObject({ node: imageSchema, nodeWithGit: imageSchema }),
});

export type Settings = z.output<typeof schema>;
export type TenantSettings = Settings['tenants'][number];
export type ApplicationSettings = TenantSettings['applications'][number];

const smallQuota = { cpu: '4', memory: '8Gi', pods: 20, storage: '20Gi' } as const;

/** Every fact of the system, once. */
export const settings: z.input<typeof schema> = {
  namespace: 'luban-ci',
  platform: {
    minimumKubernetes: '1.30',
    argoWorkflows: '4.0.3',
    argoEvents: '1.9.10',
    argoCd: '3.3.6',
    kpack: '0.17.1',
    envoyGateway: '1.7.1',
    certManager: '1.20.1',
    replicator: '2.12.3',
    namespaces: {
      argoCd: 'argocd',
      argoWorkflows: 'argo',
      argoEvents: 'argo-events',
      kpack: 'kpack',
      harbor: 'harbor',
      certManager: 'cert-manager',
      replicator: 'kubernetes-replicator',
      metrics: 'monitoring',
    },
    jetStream: '2.10.10',
  },
  gateway: {
    name: 'luban-gateway',
    namespace: 'gateway',
    proxyNamespace: 'envoy-gateway-system',
    listeners: ['*.luban.metasync.cc', '*.apps.luban.metasync.cc', '*.snd.apps.luban.metasync.cc'],
  },
  hosts: {
    webhook: 'webhook.luban.metasync.cc',
    applications: 'apps.luban.metasync.cc',
    login: 'https://login.luban.metasync.cc/realms/luban',
  },
  pipelines: { repository: 'https://github.com/metasync/pipelines.git', revision: 'main' },
  forges: [
    {
      name: 'github',
      kind: 'github',
      url: 'https://github.com',
      port: 12000,
      path: '/github/push',
      user: 'luban-delivery',
    },
    {
      name: 'azure',
      kind: 'azure-devops',
      url: 'https://dev.azure.com',
      port: 13000,
      path: '/azure/push',
      user: 'delivery@metasync.cc',
    },
    {
      name: 'ado',
      kind: 'azure-devops-server',
      url: 'https://ado.metasync.cc/tfs/DefaultCollection',
      port: 13100,
      path: '/ado/push',
      user: 'delivery@metasync.cc',
    },
  ],
  registry: { applications: 'harbor.luban.metasync.cc', platform: 'quay.io/luban-ci' },
  tenants: [
    {
      name: 'payments',
      forge: 'github',
      owner: 'metasync-payments',
      groups: { admins: ['payments-admins'], developers: ['payments-developers'] },
      concurrentBuilds: 10,
      quotas: { ci: { ...smallQuota, cpu: '8', memory: '24Gi' }, sandbox: smallQuota, production: smallQuota },
      dagster: false,
      applications: [{ kind: 'web', name: 'ledger', port: 8080, health: '/healthz', replicas: 2 }],
    },
    {
      name: 'data',
      forge: 'azure',
      owner: 'metasync',
      project: 'data',
      groups: { admins: ['data-admins'], developers: ['data-engineers'] },
      concurrentBuilds: 4,
      quotas: {
        ci: { ...smallQuota, cpu: '8', memory: '24Gi' },
        sandbox: { ...smallQuota, memory: '16Gi' },
        production: { ...smallQuota, cpu: '8', memory: '32Gi' },
      },
      dagster: true,
      applications: [{ kind: 'code-location', name: 'sales', module: 'sales_pipelines' }],
    },
  ],
  builds: { appearsWithin: 600, endsWithin: 3600 },
  buildpack: { version: '1.0.0', python: '3.12' },
  stack: {
    base: { repository: 'public.ecr.aws/amazonlinux/amazonlinux', tag: '2023.6.20241212.0-minimal' },
    uv: { repository: 'ghcr.io/astral-sh/uv', tag: '0.10.4' },
    lifecycle: { repository: 'docker.io/buildpacksio/lifecycle', tag: '0.20.5' },
    lifecycleVersion: '0.20.5',
  },
  dagster: {
    version: '1.12.19',
    image: { repository: 'docker.io/dagster/dagster-celery-k8s', tag: '1.12.19' },
    postgres: { repository: 'docker.io/library/postgres', tag: '16.6-bookworm' },
    postgresMajor: 16,
    postgresSize: '10Gi',
    pool: { repository: 'docker.io/edoburu/pgbouncer', tag: 'v1.23.1-p2' },
    tunnel: { repository: 'docker.io/ghostunnel/ghostunnel', tag: 'v1.8.4' },
    login: { repository: 'quay.io/oauth2-proxy/oauth2-proxy', tag: 'v7.7.1' },
  },
  images: {
    node: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm-slim' },
    nodeWithGit: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm' },
  },
};

/** Rules between values. */
export const checks: ReadonlyArray<(settings: Settings) => readonly Problem[]> = [
  ({ forges }) => [
    ...doubled(
      'forges',
      'name',
      forges.map((forge) => forge.name),
    ),
    ...doubled(
      'forges',
      'path',
      forges.map((forge) => forge.path),
    ),
    ...doubled(
      'forges',
      'port',
      forges.map((forge) => String(forge.port)),
    ),
  ],
  ({ tenants }) => [
    ...doubled(
      'tenants',
      'name',
      tenants.map((tenant) => tenant.name),
    ),
    ...tenants.flatMap((tenant, index) =>
      doubled(
        `tenants.${index}.applications`,
        'name',
        tenant.applications.map((application) => application.name),
      ),
    ),
  ],
  ({ forges, tenants }) =>
    tenants.flatMap(({ forge: name, owner, project }, index) => {
      const forge = forges.find((candidate) => candidate.name === name);
      const path = `tenants.${index}`;
      if (!forge) {
        const known = forges.map((candidate) => candidate.name).join(', ');
        return [
          { path: `${path}.forge`, problem: `there is no forge ${name}`, remedy: `use one of ${known}, or add it` },
        ];
      }
      const wantsProject = forge.kind !== 'github';
      const wantsOwner = forge.kind !== 'azure-devops-server';
      return [
        ...(wantsProject === (project !== undefined)
          ? []
          : [
              {
                path: `${path}.project`,
                problem: `${forge.kind} ${wantsProject ? 'keeps repositories in projects' : 'has no projects'}`,
                remedy: wantsProject ? 'name the project' : 'remove it',
              },
            ]),
        ...(wantsOwner === (owner !== '')
          ? []
          : [
              {
                path: `${path}.owner`,
                problem: `${forge.kind} ${wantsOwner ? 'keeps repositories in organisations' : 'has its collection in its address'}`,
                remedy: wantsOwner ? 'name the organisation' : "set it to ''",
              },
            ]),
      ];
    }),
  ({ tenants }) =>
    tenants
      .filter((tenant) => !tenant.dagster && tenant.applications.some(({ kind }) => kind === 'code-location'))
      .map((tenant) => ({
        path: `tenants.${tenants.indexOf(tenant)}.dagster`,
        problem: `${tenant.name} has code locations and no Dagster`,
        remedy: 'set it to true, or move the code locations to a tenant that has one',
      })),
  ({ gateway, hosts }) =>
    [
      ['hosts.webhook', hosts.webhook] as const,
      ['hosts.applications', `name.${hosts.applications}`] as const,
      ['hosts.applications', `name.snd.${hosts.applications}`] as const,
    ]
      .filter(([, host]) => !gateway.listeners.some((listener) => host.replace(/^[^.]+/, '*') === listener))
      .map(([path, host]) => ({
        path,
        problem: `no listener of the gateway takes ${host}`,
        remedy: `use a host below one of ${gateway.listeners.join(', ')}, or add the listener`,
      })),
];

function doubled(path: string, field: string, values: readonly string[]): Problem[] {
  const twice = new Set(values.filter((value, index) => values.indexOf(value) !== index));
  return [...twice].map((value) => ({
    path,
    problem: `two entries have the ${field} ${value}`,
    remedy: `give each a ${field} of its own`,
  }));
}
