import type { KubernetesObject, RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import { type ComponentStateProps, StateJobs, StateSchedule } from '../../constructs/state/index.ts';
import type { Image } from '../../model/image.ts';

/** A Job as the install plan names it. */
export interface StateJobFile {
  readonly path: string;
  readonly namespace: string;
  readonly name: string;
}

/** The Jobs of one component. */
export interface StateParts {
  /** Brings the objects back; a database lives on its volume and needs none. */
  readonly restore: StateJobFile | undefined;
  readonly restoreSecrets: StateJobFile;
  /** Fails where snapshots exist whose key would be generated anew; a part whose key is a copy needs none. */
  readonly probe: StateJobFile | undefined;
  readonly before: StateJobFile;
  readonly final: StateJobFile;
  readonly verify: StateJobFile;
  readonly restoreMark: string;
  readonly restoreDone: string;
  /** `namespace/name` of the CronJob, which the teardown stops first. */
  readonly schedule: { readonly namespace: string; readonly name: string };
}

/** What differs between the components. */
export type StateFacts = Omit<ComponentStateProps, 'system' | 'program' | 'image' | 'desired'> & {
  readonly namespace: string;
};

/** Snapshots by schedule, and the Jobs of install and teardown (R22.4, R24.3). */
export function composeState(
  output: SystemOutput,
  facts: StateFacts,
  image: Image,
  context: RenderContext,
  desired: readonly KubernetesObject[],
): StateParts {
  const { namespace, ...rest } = facts;
  const component = 'state';
  const props: ComponentStateProps = { ...rest, system: output.system, program: context.program('state'), image };
  const schedule = new StateSchedule(
    output.chart(`gitops/platform/state-${rest.part}`, { namespace, component }),
    'Schedule',
    props,
  );
  const jobs = new StateJobs(output.chart(`install/state/${rest.part}`, { namespace, component }), 'Jobs', {
    ...props,
    desired,
  });
  const file = (
    path: string,
    make: (chart: ReturnType<SystemOutput['chart']>) => { namespace: string; jobName: string },
  ): StateJobFile => {
    const job = make(output.chart(path, { namespace, component }));
    return { path: `${path}.yaml`, namespace: job.namespace, name: job.jobName };
  };
  return {
    restore:
      rest.part === 'woodpecker'
        ? undefined
        : file(`install/state/${rest.part}-restore`, (chart) => jobs.restore(chart, 'Job')),
    restoreSecrets: file(`install/state/${rest.part}-restore-secrets`, (chart) => jobs.restoreSecrets(chart, 'Job')),
    probe:
      rest.part === 'argocd'
        ? undefined
        : file(`install/state/${rest.part}-probe`, (chart) => jobs.probe(chart, 'Job')),
    before: file(`install/state/${rest.part}-snapshot`, (chart) => jobs.snapshot(chart, 'Job')),
    final: file(`teardown/state/${rest.part}-snapshot`, (chart) => jobs.snapshot(chart, 'Job', 'state-snapshot-final')),
    verify: file(`teardown/state/${rest.part}-verify`, (chart) => jobs.verify(chart, 'Job')),
    restoreMark: jobs.restoreMark,
    restoreDone: jobs.restoreDone,
    schedule: { namespace, name: schedule.cronJobName },
  };
}
