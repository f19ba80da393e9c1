/** What Dagster is asked, once a scrape. */
export const query = `{
  instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } }
  queued: runsOrError(filter: {statuses: [QUEUED]}) { ... on Runs { count } }
  started: runsOrError(filter: {statuses: [STARTED]}) { ... on Runs { count } }
  failed: runsOrError(filter: {statuses: [FAILURE]}) { ... on Runs { count } }
  succeeded: runsOrError(filter: {statuses: [SUCCESS]}) { ... on Runs { count } }
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename } } } }
}`;

export interface Answer {
  readonly data?: {
    readonly instance?: {
      readonly daemonHealth: {
        readonly allDaemonStatuses: ReadonlyArray<{
          readonly daemonType: string;
          readonly healthy: boolean | null;
          readonly required: boolean;
        }>;
      };
    };
    readonly workspaceOrError?: {
      readonly locationEntries?: ReadonlyArray<{
        readonly name: string;
        readonly loadStatus: string;
        readonly locationOrLoadError: { readonly __typename: string } | null;
      }>;
    };
  } & Readonly<Record<(typeof states)[number], { readonly count?: number } | undefined>>;
  readonly errors?: ReadonlyArray<{ readonly message: string }>;
}

const states = ['queued', 'started', 'failed', 'succeeded'] as const;

/** The answer in the text format of Prometheus. */
export function metricsText(answer: Answer): string {
  const { data } = answer;
  if (!data)
    throw new Error(answer.errors?.map((error) => error.message).join('; ') || 'Dagster answered without data');
  const daemons = (data.instance?.daemonHealth.allDaemonStatuses ?? []).filter((daemon) => daemon.required);
  const locations = data.workspaceOrError?.locationEntries ?? [];
  return [
    ...family(
      'dagster_runs',
      'Runs that Dagster knows, by state',
      states.map((state) => [{ state }, data[state]?.count ?? 0]),
    ),
    ...family(
      'dagster_daemon_healthy',
      'Whether a daemon has reported lately',
      daemons.map(({ daemonType, healthy }) => [{ daemon: daemonType }, healthy ? 1 : 0]),
    ),
    ...family(
      'dagster_code_location_loaded',
      'Whether the definitions of a code location are loaded',
      locations.map(({ name, loadStatus, locationOrLoadError }) => [
        { location: name },
        loadStatus === 'LOADED' && locationOrLoadError?.__typename === 'RepositoryLocation' ? 1 : 0,
      ]),
    ),
    '',
  ].join('\n');
}

type Sample = readonly [Readonly<Record<string, string>>, number];

function family(name: string, help: string, samples: readonly Sample[]): string[] {
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${label.replaceAll(/[\\"\n]/g, '\\$&')}"`);
    return `${name}{${text.join(',')}} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines];
}
