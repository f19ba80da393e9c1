import type { ChartMigration } from '../../model/migration.ts';
import type { SecretRef } from '../../model/secret-ref.ts';

/** How a stage talks to the broker (R16.2). */
export interface BrokerValues {
  /** Value of BROKER_MODE. */
  readonly mode: 'paper' | 'live';
  /** Value of BROKER_PROVIDER. */
  readonly provider: string;
  /** Secret with the credentials, in the namespace of the stage. */
  readonly credentials: string;
}

/** A values file of the chart for one stage. */
export interface StageValues {
  /** Name of the file in the chart's folder: `values-paper.yaml`. */
  readonly file: string;
  /** Namespace that the stage is deployed to. */
  readonly namespace: string;
  /** @default the chart's own */
  readonly broker?: BrokerValues;
}

/** Keys of the chart, with dots between them. The chart belongs to the application: adjust them to it. */
export interface ChartKeys {
  /** @default 'image.registry' (R10.1) */
  readonly registry?: string;
  /** @default 'config.BROKER_MODE' */
  readonly brokerMode?: string;
  /** @default 'config.BROKER_PROVIDER' */
  readonly brokerProvider?: string;
  /** @default 'broker.credentialsSecret' */
  readonly brokerCredentials?: string;
}

export interface ApplicationChartProps {
  /** Folder of the chart in the application's repository (R15.4). */
  readonly folder: string;
  /** Registry with the path that the services' names follow (R10.1). */
  readonly registry: string;
  /** Stages with values of their own. Live has none: it uses values.yaml as it is (R10.3, R17.5). */
  readonly stages: readonly StageValues[];
  readonly keys?: ChartKeys;
  /** Values sections that go. @default ['ghcrAuth'] (R10.2) */
  readonly dropSections?: readonly string[];
  /** Image pull secrets that go. @default ['ghcr-credentials'] (R10.2) */
  readonly dropPullSecrets?: readonly string[];
  /** Words that must not be left in the chart. @default the dropped names and 'ghcr.io' (R10.1) */
  readonly leaveNo?: readonly string[];
}

/**
 * What the chart of the application has to say to be deployed by the pipeline (R10, R16.2): values by file, as data. The
 * chart itself is not ours, so these values are merged into its files (`npm run app -- migrate`), never copied over them.
 * They hold no image tag: that one is set by promotions alone.
 */
export class ApplicationChart {
  /** Values by file name, as nested data. */
  readonly values: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly migration: ChartMigration;
  /** Secrets that the values name and the operator provides. */
  readonly secrets: readonly SecretRef[];

  constructor(props: ApplicationChartProps) {
    const keys = { ...defaultKeys, ...props.keys };
    const set = [
      { file: 'values.yaml', path: keys.registry, value: props.registry },
      ...props.stages.flatMap(({ file, broker }) => [
        { file, path: keys.registry, value: props.registry },
        ...(broker === undefined
          ? []
          : [
              { file, path: keys.brokerMode, value: broker.mode },
              { file, path: keys.brokerProvider, value: broker.provider },
              { file, path: keys.brokerCredentials, value: broker.credentials },
            ]),
      ]),
    ];
    const dropSections = props.dropSections ?? ['ghcrAuth'];
    const dropPullSecrets = props.dropPullSecrets ?? ['ghcr-credentials'];
    this.migration = {
      folder: props.folder,
      knownBy: keys.registry,
      set,
      dropSections,
      dropPullSecrets,
      leaveNo: props.leaveNo ?? [...dropSections, ...dropPullSecrets, 'ghcr.io'],
    };
    this.values = nested(set);
    this.secrets = props.stages.flatMap(({ namespace, broker }) =>
      broker === undefined
        ? []
        : [
            {
              namespace,
              name: broker.credentials,
              keys: ['ALPACA_API_KEY', 'ALPACA_SECRET_KEY'],
              provenance: 'provided' as const,
              optional: true,
              purpose: `credentials of the ${broker.mode} account at ${broker.provider}`,
            },
          ],
    );
  }
}

const defaultKeys = {
  registry: 'image.registry',
  brokerMode: 'config.BROKER_MODE',
  brokerProvider: 'config.BROKER_PROVIDER',
  brokerCredentials: 'broker.credentialsSecret',
} as const satisfies Required<ChartKeys>;

function nested(set: ChartMigration['set']): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  const files = new Map<string, Record<string, unknown>>();
  for (const { file, path, value } of set) {
    const root = files.get(file) ?? {};
    files.set(file, root);
    const keys = path.split('.');
    const last = keys.pop() as string;
    const parent = keys.reduce<Record<string, unknown>>((node, key) => {
      node[key] ??= {};
      return node[key] as Record<string, unknown>;
    }, root);
    parent[last] = value;
  }
  return files;
}
