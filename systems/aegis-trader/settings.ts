import { z } from 'zod';
import { dnsLabel, hostName, httpUrl, portNumber } from '../../model/identifiers.ts';
import { imageSchema } from '../../model/image.ts';
import type { Problem } from '../../model/problems.ts';

const relativePath = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no path inside the repository; write it like packages/aegis-sdk`,
});
const exactVersion = z.string().regex(/^v?\d+\.\d+(\.\d+)?$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no exact version; write all of its numbers, as a text`,
});

const service = z.strictObject({
  name: dnsLabel,
  dockerfile: relativePath,
  port: portNumber,
  /** Answers when the service is well. */
  health: z.string().startsWith('/', 'a path of the service begins with "/"; write it like /health'),
});

export const schema = z.strictObject({
  github: z.strictObject({
    /** As GitHub writes it; image names are lower-cased from it. */
    owner: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/),
    repository: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
    branch: z.string(),
    /** Label of the runners that test and build; integration tests need Docker on them. */
    runner: z.string(),
  }),
  registry: z.strictObject({
    host: hostName,
    /** Path below the owner that the services' names follow. */
    path: dnsLabel,
    /** `github-token`: no secret is needed. `secrets`: REGISTRY_USERNAME and REGISTRY_PASSWORD (analysis E2). */
    login: z.enum(['github-token', 'secrets']),
  }),
  versions: z.strictObject({
    python: exactVersion,
    node: z.string(),
    kubectl: exactVersion,
    helm: exactVersion,
    ruff: exactVersion,
    black: exactVersion,
    mypy: exactVersion,
    pytest: exactVersion,
    pytestCov: exactVersion,
  }),
  python: z.strictObject({
    /** Shared packages, each after those that it needs. */
    packages: z.array(relativePath),
    /** Files of requirements, installed after the packages. */
    requirements: z.array(relativePath),
    /** Folders that mypy checks. */
    typed: z.array(relativePath).min(1, 'mypy needs a folder; name at least one'),
    coverage: z.int().min(80, 'the story demands at least 80 %; set 80 or more').max(100, 'set at most 100'),
    /** Files that need 100 %, as patterns of coverage.py. */
    criticalPaths: z.array(z.string()),
  }),
  services: z.array(service).min(1, 'there is nothing to build; name at least one service'),
  platforms: z.array(z.enum(['linux/amd64', 'linux/arm64'])).min(1, 'name at least one platform'),
  trivy: imageSchema,
  staging: z.strictObject({
    namespace: dnsLabel,
    release: dnsLabel,
    chart: relativePath,
    chartRepositories: z.array(z.strictObject({ name: dnsLabel, url: httpUrl })),
    nats: z.strictObject({ replicas: z.int().min(1, 'JetStream needs a server; set 1 or more'), storage: z.string() }),
    resources: z.record(z.string(), z.strictObject({ cpu: z.string(), memory: z.string() })),
  }),
  /**
   * How a tag reaches the cluster. `helm`: the runner deploys, so it has to reach the API server (GitHub's own can only if
   * it is public; a runner with a label of its own can stand beside the cluster). `pull`: the pipeline writes a branch, and
   * Argo CD in the cluster follows it; nothing outside needs to reach in.
   */
  delivery: z.discriminatedUnion('way', [
    z.strictObject({ way: z.literal('helm'), runner: z.string() }),
    z.strictObject({ way: z.literal('pull'), branch: z.string(), argoCd: dnsLabel }),
  ]),
});

export type Settings = z.output<typeof schema>;

/** Every fact of the system, once. */
export const settings: z.input<typeof schema> = {
  github: { owner: 'ryanflavor', repository: 'AegisTrader', branch: 'main', runner: 'ubuntu-24.04' },
  registry: { host: 'ghcr.io', path: 'aegis-trader', login: 'github-token' },
  versions: {
    python: '3.13',
    node: '20',
    kubectl: 'v1.31.4',
    helm: 'v3.16.4',
    ruff: '0.14.6',
    black: '25.11.0',
    mypy: '1.18.2',
    pytest: '8.4.2',
    pytestCov: '7.0.0',
  },
  python: {
    packages: ['packages/shared-contracts', 'packages/aegis-sdk'],
    requirements: [
      'packages/aegis-sdk/requirements.txt',
      'packages/aegis-sdk/requirements-dev.txt',
      'apps/monitor-api/requirements.txt',
      'apps/monitor-api/requirements-dev.txt',
    ],
    typed: ['packages', 'apps'],
    coverage: 80,
    criticalPaths: [],
  },
  services: [
    { name: 'monitor-api', dockerfile: 'apps/monitor-api/Dockerfile', port: 8100, health: '/health' },
    { name: 'monitor-ui', dockerfile: 'apps/monitor-ui/Dockerfile', port: 3100, health: '/' },
  ],
  platforms: ['linux/amd64', 'linux/arm64'],
  trivy: {
    repository: 'ghcr.io/aquasecurity/trivy',
    tag: '0.69.3',
    digest: 'sha256:bcc376de8d77cfe086a917230e818dc9f8528e3c852f7b1aff648949b6258d1c',
  },
  staging: {
    namespace: 'aegis-staging',
    release: 'aegis-staging',
    chart: 'helm',
    chartRepositories: [{ name: 'nats', url: 'https://nats-io.github.io/k8s/helm/charts' }],
    nats: { replicas: 3, storage: '2Gi' },
    resources: {
      'monitor-api': { cpu: '100m', memory: '256Mi' },
      'monitor-ui': { cpu: '100m', memory: '256Mi' },
      nats: { cpu: '100m', memory: '256Mi' },
    },
  },
  delivery: { way: 'helm', runner: 'ubuntu-24.04' },
};

/** Rules between values. */
export const checks: ReadonlyArray<(settings: Settings) => readonly Problem[]> = [
  ({ delivery, github }) =>
    delivery.way === 'pull' && delivery.branch === github.branch
      ? [
          {
            path: 'delivery.branch',
            problem: `a push to ${delivery.branch} would start the pipeline that made it`,
            remedy: 'name a branch that starts nothing, such as deploy/staging',
          },
        ]
      : [],
  ({ services, staging }) =>
    services
      .filter(({ name }) => staging.resources[name] === undefined)
      .map(({ name }) => ({
        path: `staging.resources.${name}`,
        problem: `${name} has no resources for staging`,
        remedy: 'state CPU and memory, below those of production',
      })),
];
