import { DeliveryProject, syncAnnotations } from '../../constructs/argo-cd/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import { BranchApplication, tagPlaceholder } from '../../constructs/manifests-branch/index.ts';
import { AllowIngress, DefaultDeny, fromSameNamespace } from '../../constructs/network/index.ts';
import { Postgres } from '../../constructs/postgres/index.ts';
import { ServiceDeployment, serviceLabels } from '../../constructs/service-deployment/index.ts';
import { KubePersistentVolumeClaim, Quantity } from '../../imports/k8s.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import type { Settings } from './settings.ts';
import { imagePrefix } from './workflow.ts';

/** Folders of the repository; the first two are what the manifests branch holds. */
export const folders = {
  services: 'infra/k8s-manifests',
  base: 'infra/k8s-base',
  argoCd: 'infra/argocd',
} as const;

/** The Applications, by what they deploy. */
export const applications = { services: 'ftmo-trading', base: 'postgres-database' } as const;

/** Keys of the market data providers; the services start without them. */
export const apiKeys = ['ALPHA_VANTAGE_KEY', 'FMP_KEY'] as const;

const passwordKey = 'POSTGRES_PASSWORD';
const claimName = 'postgres-data';

/** What every service is told about the database; the password comes from a Secret. */
export function databaseEnvironment({ database }: Settings): Readonly<Record<string, string>> {
  return {
    POSTGRES_HOST: database.service,
    POSTGRES_PORT: '5432',
    POSTGRES_DB: database.name,
    POSTGRES_USER: database.user,
  };
}

/** The services; their images carry the placeholder until the pipeline fills in the tag. */
export function composeServices(output: SystemOutput, settings: Settings): void {
  const { services, namespace, registry, database, apiKeysSecret } = settings;
  for (const service of services) {
    const chart = output.chart(`repo/${folders.services}/${service.name}`, { namespace, component: service.name });
    new ServiceDeployment(chart, 'Service', {
      name: service.name,
      serviceName: `${service.name}-service`,
      image: `${imagePrefix(settings)}/${service.name}:${tagPlaceholder}`,
      port: service.port,
      health: service.health,
      startSeconds: service.startSeconds,
      temporary: service.scratch,
      resources: {
        cpu: service.cpu,
        memory: service.memory,
        cpuLimit: service.cpuLimit,
        memoryLimit: service.memoryLimit,
      },
      environment: databaseEnvironment(settings),
      secrets: {
        [passwordKey]: { secret: database.secret },
        ...(service.apiKeys
          ? Object.fromEntries(apiKeys.map((key) => [key, { secret: apiKeysSecret, optional: true }]))
          : {}),
      },
      imagePullSecrets: registry.pullSecret === undefined ? undefined : [registry.pullSecret],
    });
  }
  const network = output.chart(`repo/${folders.services}/network`, { namespace, component: 'network' });
  new AllowIngress(network, 'Inside', {
    name: 'inside',
    to: {},
    ways: [{ from: [fromSameNamespace()], ports: ['http'] }],
  });
}

/** The database and what closes the namespace. */
export function composeBase(output: SystemOutput, settings: Settings): SecretRef {
  const { database, images, namespace, services } = settings;
  const chart = output.chart(`repo/${folders.base}/postgres`, { namespace, component: 'postgres' });
  new DefaultDeny(chart, 'DefaultDeny');
  new KubePersistentVolumeClaim(chart, 'Data', {
    metadata: { name: claimName, annotations: syncAnnotations({ keep: true }) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: database.storageClass,
      resources: { requests: { storage: Quantity.fromString(database.storage) } },
    },
  });
  const server = new Postgres(chart, 'Postgres', {
    name: 'postgres',
    serviceName: database.service,
    image: images.postgres,
    major: Number.parseInt(images.postgres.tag, 10),
    database: database.name,
    user: database.user,
    password: { secret: database.secret, key: passwordKey },
    claimName,
    clients: services.map(({ name }) => serviceLabels(name)),
    resources: { cpu: '250m', memory: '512Mi', cpuLimit: '1', memoryLimit: '1Gi' },
  });
  return server.passwordSecret;
}

/** The Applications; scripts/setup-argocd.sh applies them. */
export function composeApplications(output: SystemOutput, settings: Settings): void {
  const { argoCd, namespace, manifests } = settings;
  const chart = output.chart(`repo/${folders.argoCd}/applications`, {
    namespace: argoCd.namespace,
    component: 'argo-cd',
  });
  const repository = repositoryUrl(settings);
  const project = new DeliveryProject(chart, 'Project', {
    name: applications.services,
    description: 'FTMO trading',
    repositories: [repository],
    namespaces: [namespace],
    // Argo CD makes the namespace itself.
    clusterResources: [{ group: '', kind: 'Namespace' }],
  });
  for (const key of ['services', 'base'] as const) {
    new BranchApplication(chart, key, {
      name: applications[key],
      project: project.name,
      repository,
      branch: manifests.branch,
      source: { path: folders[key] },
      namespace,
      createNamespace: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      cascade: key === 'services',
    });
  }
}

export function repositoryUrl({ github }: Settings): string {
  return `https://github.com/${github.owner}/${github.repository}.git`;
}
