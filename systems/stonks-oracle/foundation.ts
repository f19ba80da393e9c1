import type { SystemOutput } from '../../constructs/core/index.ts';
import { KargoNamespaces } from '../../constructs/kargo/index.ts';
import { Namespace } from '../../constructs/namespaces/index.ts';
import { DefaultDeny } from '../../constructs/network/index.ts';
import { NfsVolume, ShareDirectories } from '../../constructs/storage/index.ts';
import { privilegedStepsReason } from '../../constructs/woodpecker/index.ts';
import type { Settings } from './settings.ts';

/** Claims of the volumes, by consumer. */
export interface Claims {
  readonly argoCd: string;
  readonly kargo: string;
  readonly woodpecker: string;
}

/** The namespaces that the system owns (R13.1); workloads' namespaces but production's are made, the forge's is not. */
export function composeNamespaces(output: SystemOutput, settings: Settings): void {
  const { namespaces, stages, promotion } = settings;
  const chart = output.chart('install/namespaces/namespaces', { component: 'namespaces' });
  const made = [
    new Namespace(chart, 'Woodpecker', { name: namespaces.woodpecker }),
    new Namespace(chart, 'Steps', { name: namespaces.steps, podSecurity: 'privileged', reason: privilegedStepsReason }),
    new Namespace(chart, 'ArgoCd', { name: namespaces.argoCd }),
    new Namespace(chart, 'SetUp', {
      name: namespaces.setUp,
      podSecurity: 'baseline',
      reason: 'giving directories on the NFS server to their consumers needs root, for seconds, at install',
    }),
  ];
  const kargo = new KargoNamespaces(chart, 'KargoNamespaces', {
    namespace: namespaces.kargo,
    project: promotion.project,
  });
  output.except([...made, kargo].flatMap((part) => part.exceptions));
  // The workloads' charts decide what their pods may do; production is there already and stays as it is (R17.5).
  for (const stage of [stages.beta, stages.paper]) {
    const workload = new Namespace(
      output.chart(`install/namespaces/${stage.namespace}`, { component: 'namespaces' }),
      'Namespace',
      {
        name: stage.namespace,
        podSecurity: 'baseline',
        reason: "the application's own chart decides what its pods need",
      },
    );
    output.except(workload.exceptions);
  }
}

/** Volumes on the share, their claims, and the Job that makes and checks the directories (R24). */
export function composeStorage(output: SystemOutput, settings: Settings, claims: Claims): string {
  const { share, volumes } = settings.storage;
  const { namespaces } = settings;
  const chart = output.chart('install/volumes/volumes', { component: 'storage' });
  const owners = { argoCd: namespaces.argoCd, kargo: namespaces.kargo, woodpecker: namespaces.woodpecker };
  for (const key of ['argoCd', 'kargo', 'woodpecker'] as const) {
    new NfsVolume(chart, key, {
      name: volumes[key].volume,
      share,
      directory: volumes[key].directory,
      capacity: volumes[key].size,
      claim: { namespace: owners[key], name: claims[key] },
    });
  }
  new DefaultDeny(
    output.chart('install/directories/network', { namespace: namespaces.setUp, component: 'storage' }),
    'DefaultDeny',
  );
  const job = new ShareDirectories(
    output.chart('install/directories/directories', { namespace: namespaces.setUp, component: 'storage' }),
    'Job',
    {
      share,
      directories: Object.values(volumes).map(({ directory, uid }) => ({
        path: directory,
        uid,
        gid: uid,
        mode: '0750',
      })),
      image: settings.images.busybox,
    },
  );
  output.except(job.exceptions);
  return job.jobName;
}
