import { z } from 'zod';
import { byteQuantity, dnsLabel, hostName, portNumber } from '../../model/identifiers.ts';
import { imageSchema } from '../../model/image.ts';
import type { Problem } from '../../model/problems.ts';

const cpu = z.string().regex(/^[1-9]\d*m?$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no amount of CPU; write it like 250m`,
});
const exactVersion = z.string().regex(/^v?\d+(\.\d+){1,2}$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no exact version; write all of its numbers, as a text`,
});

const service = z.strictObject({
  name: dnsLabel,
  port: portNumber,
  /** Answers when the service is well. */
  health: z.string().startsWith('/', 'a path of the service begins with "/"; write it like /health'),
  cpu,
  memory: byteQuantity,
  cpuLimit: cpu,
  memoryLimit: byteQuantity,
  /** Whether it gets the keys of the market data providers. */
  apiKeys: z.boolean(),
  /** Size of its writable folder, for example for models. */
  scratch: byteQuantity,
  /** Seconds that a start may take. */
  startSeconds: z.int().min(10, 'a probe asks every 10 seconds; set 10 or more'),
  /** Platforms of its image; one that cannot be built for arm64 names amd64 only. */
  platforms: z.array(z.enum(['linux/amd64', 'linux/arm64'])).min(1, 'name at least one platform'),
});

export const schema = z.strictObject({
  github: z.strictObject({
    owner: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/),
    repository: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
    branch: z.string(),
    runner: z.string(),
  }),
  registry: z.strictObject({
    host: hostName,
    /** Secret with the log-in of the cluster to the registry; without it the packages have to be public. */
    pullSecret: dnsLabel.optional(),
  }),
  versions: z.strictObject({
    python: exactVersion,
    flake8: exactVersion,
    black: exactVersion,
    isort: exactVersion,
    pytest: exactVersion,
    pytestCov: exactVersion,
    /** Of the cluster, for the validation of manifests. */
    kubernetes: exactVersion,
    argoCd: exactVersion,
  }),
  images: z.strictObject({ trivy: imageSchema, kubeconform: imageSchema, postgres: imageSchema }),
  /** The branch that the pipeline writes and Argo CD follows. */
  manifests: z.strictObject({ branch: z.string() }),
  argoCd: z.strictObject({ namespace: dnsLabel, nodePort: portNumber }),
  namespace: dnsLabel,
  database: z.strictObject({
    name: z.string(),
    user: z.string(),
    service: dnsLabel,
    secret: dnsLabel,
    storage: byteQuantity,
    storageClass: dnsLabel,
  }),
  apiKeysSecret: dnsLabel,
  services: z.array(service).min(1, 'there is nothing to build; name at least one service'),
});

export type Settings = z.output<typeof schema>;

const both = ['linux/amd64' as const, 'linux/arm64' as const];
const web = { port: 8080, health: '/health', apiKeys: false, scratch: '1Gi', startSeconds: 120, platforms: both };
const small = { cpu: '250m', memory: '256Mi', cpuLimit: '500m', memoryLimit: '512Mi' };

/** Every fact of the system, once. */
export const settings: z.input<typeof schema> = {
  github: { owner: 'dan8992', repository: 'ftmo-trading', branch: 'main', runner: 'ubuntu-24.04' },
  registry: { host: 'ghcr.io', pullSecret: 'ghcr-credentials' },
  versions: {
    python: '3.11',
    flake8: '7.3.0',
    black: '25.11.0',
    isort: '6.1.0',
    pytest: '8.4.2',
    pytestCov: '7.0.0',
    kubernetes: '1.31.4',
    argoCd: 'v3.4.4',
  },
  images: {
    trivy: {
      repository: 'ghcr.io/aquasecurity/trivy',
      tag: '0.69.3',
      digest: 'sha256:bcc376de8d77cfe086a917230e818dc9f8528e3c852f7b1aff648949b6258d1c',
    },
    kubeconform: {
      repository: 'ghcr.io/yannh/kubeconform',
      tag: 'v0.7.0',
      digest: 'sha256:85dbef6b4b312b99133decc9c6fc9495e9fc5f92293d4ff3b7e1b30f5611823c',
    },
    postgres: { repository: 'docker.io/library/postgres', tag: '15.10-bookworm' },
  },
  manifests: { branch: 'manifests' },
  argoCd: { namespace: 'argocd', nodePort: 30080 },
  namespace: 'dax-trading',
  database: {
    name: 'finrl_dax',
    user: 'finrl_user',
    service: 'postgres-service',
    secret: 'postgres-secret',
    storage: '100Gi',
    storageClass: 'local-path',
  },
  apiKeysSecret: 'api-keys-secret',
  services: [
    { name: 'postgres-data-collector', ...web, ...small, apiKeys: true },
    {
      name: 'signal-generation-engine',
      ...web,
      cpu: '500m',
      memory: '1Gi',
      cpuLimit: '1000m',
      memoryLimit: '2Gi',
      apiKeys: true,
    },
    { name: 'technical-pattern-service', ...web, cpu: '250m', memory: '512Mi', cpuLimit: '500m', memoryLimit: '1Gi' },
    {
      name: 'finbert-sentiment-service',
      ...web,
      cpu: '1000m',
      memory: '2Gi',
      cpuLimit: '2000m',
      memoryLimit: '4Gi',
      scratch: '8Gi',
      startSeconds: 480,
    },
    { name: 'news-ingestion-service', ...web, ...small, apiKeys: true },
    { name: 'signal-monitoring', ...web, ...small },
    // The requirements give no resources for these two; the values are those that they ran with.
    {
      name: 'dax-llm-service',
      ...web,
      port: 8000,
      cpu: '500m',
      memory: '1Gi',
      cpuLimit: '2000m',
      memoryLimit: '4Gi',
      scratch: '8Gi',
      startSeconds: 480,
    },
    {
      name: 'finbert-trading-llm',
      ...web,
      cpu: '1000m',
      memory: '2Gi',
      cpuLimit: '4000m',
      memoryLimit: '8Gi',
      scratch: '8Gi',
      startSeconds: 480,
    },
  ],
};

/** Rules between values. */
export const checks: ReadonlyArray<(settings: Settings) => readonly Problem[]> = [
  ({ github, manifests }) =>
    manifests.branch === github.branch
      ? [
          {
            path: 'manifests.branch',
            problem: `a push to ${manifests.branch} would start the pipeline that made it`,
            remedy: 'name a branch of its own, such as manifests',
          },
        ]
      : [],
  ({ services }) =>
    services
      .filter(({ name }, index) => services.findIndex((other) => other.name === name) !== index)
      .map(({ name }) => ({
        path: 'services',
        problem: `two services are called ${name}`,
        remedy: 'two Deployments of one name would overwrite each other; rename or remove one',
      })),
];
