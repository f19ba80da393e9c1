import { ApplicationChart } from '../../constructs/application-chart/index.ts';
import type { ServiceCatalogue } from '../../model/service-catalogue.ts';

/** The Python services of the platform (R4.1), in build order; each has its own Dockerfile. */
const pythonServices = [
  'scheduler',
  'symbol-registry',
  'ingestion',
  'parser',
  'extractor',
  'aggregation',
  'recommendation',
  'risk',
  'broker-adapter',
  'lake-publisher',
  'query-api',
  'trading-engine',
] as const;

/**
 * The 14 images of Stonks Oracle (R4.1–R4.3). `query-api` is the one whose tag announces a finished build (R8.1).
 * The Dockerfiles of the Python services are an assumption (the requirements name only the other two): adjust the pattern,
 * or a single entry, here.
 */
export const stonksServices: ServiceCatalogue = {
  services: [
    ...pythonServices.map((name) => ({ name, dockerfile: `docker/Dockerfile.${name}` })),
    { name: 'dashboard', dockerfile: 'frontend/Dockerfile', context: 'frontend' },
    { name: 'superset', dockerfile: 'docker/Dockerfile.superset' },
  ],
  watched: 'query-api',
};

/** Where things are in the application's repository. */
export const stonksRepository = {
  /** The branch that is built and deployed. */
  branch: 'main',
  /** The Helm chart (R15.4). */
  chart: 'infra/helm/stonks-oracle',
  /** The integration test (R5.1). */
  integrationTest: 'infra/inttest/run_pipeline.sh',
} as const;

/**
 * The chart's values: the registry (R10), and the paper broker (R16.2). Live has no file of its own; it takes values.yaml.
 */
export function stonksChart(facts: {
  readonly registry: string;
  /** Whether the chart keeps what it has for a registry with a log-in (`ghcrAuth`, `ghcr-credentials`). @default false */
  readonly keepPullSecrets?: boolean;
  readonly stages: { readonly beta: { readonly namespace: string }; readonly paper: { readonly namespace: string } };
}): ApplicationChart {
  return new ApplicationChart({
    folder: stonksRepository.chart,
    registry: facts.registry,
    ...(facts.keepPullSecrets ? { dropSections: [], dropPullSecrets: [], leaveNo: [] } : {}),
    stages: [
      { file: 'values-beta.yaml', namespace: facts.stages.beta.namespace },
      {
        file: 'values-paper.yaml',
        namespace: facts.stages.paper.namespace,
        broker: { mode: 'paper', provider: 'alpaca', credentials: 'alpaca-paper-credentials' },
      },
    ],
  });
}
