import type { KubernetesObject, RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import { type ComponentStateProps, StateJobs, StateSchedule } from '../../constructs/state/index.ts';
import type { Image } from '../../model/image.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import type { Stage } from '../../model/stage-chain.ts';
import type { DeliverySecrets } from './secrets.ts';

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

/** What the state of Argo CD and Kargo is made of, in both systems. */
export interface DeliveryStateFacts {
  readonly namespaces: { readonly argoCd: string; readonly kargo: string };
  readonly volumes: { readonly argoCd: { readonly uid: number }; readonly kargo: { readonly uid: number } };
  readonly claims: { readonly argoCd: string; readonly kargo: string };
  readonly secrets: DeliverySecrets;
  readonly project: string;
  readonly stages: readonly Stage[];
  /** Names of the Applications. */
  readonly applications: readonly string[];
  /** Repositories that snapshots hold, where the forge runs on the cluster itself. */
  readonly repositories?: StateFacts['repositories'];
  /** Systems that this one replaces. */
  readonly predecessors?: readonly string[];
}

/** The state of Kargo and of Argo CD; `make` is `composeState` with the rest of its arguments. */
export function deliveryState(
  facts: DeliveryStateFacts,
  make: (state: StateFacts) => StateParts,
): { readonly kargo: StateParts; readonly argoCd: StateParts } {
  const { namespaces, volumes, claims, secrets, predecessors } = facts;
  const generated = (all: readonly SecretRef[]) => all.filter((secret) => secret.provenance === 'generated');
  return {
    kargo: make({
      part: 'kargo',
      namespace: namespaces.kargo,
      claimName: claims.kargo,
      uid: volumes.kargo.uid,
      predecessors,
      key: secrets.stateKeys.kargo,
      kargo: { project: facts.project, stages: facts.stages.map((stage) => stage.name) },
      secrets: generated(secrets.kargo).filter((secret) => secret.namespace === namespaces.kargo),
    }),
    argoCd: make({
      part: 'argocd',
      namespace: namespaces.argoCd,
      claimName: claims.argoCd,
      uid: volumes.argoCd.uid,
      predecessors,
      key: secrets.stateKeys.argoCd,
      argocd: { applications: facts.applications },
      secrets: generated(secrets.argoCd),
      repositories: facts.repositories,
    }),
  };
}
