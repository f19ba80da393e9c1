import type { SystemOutput } from '../../constructs/core/index.ts';
import { KargoNamespaces } from '../../constructs/kargo/index.ts';
import { Namespace, type NamespaceProps } from '../../constructs/namespaces/index.ts';
import { DefaultDeny } from '../../constructs/network/index.ts';
import { NfsVolume, ShareDirectories } from '../../constructs/storage/index.ts';
import type { Image } from '../../model/image.ts';
import type { NfsShare } from '../../model/volume/nfs.ts';

/** The namespaces of a Stonks Oracle system. */
export interface NamespaceFacts {
  /** Those that only this system has. */
  readonly own: readonly NamespaceProps[];
  readonly argoCd: string;
  readonly kargo: string;
  readonly setUp: string;
  /** Kargo Project. */
  readonly project: string;
  /** Namespaces of stages that are made here. Production's is there already and stays as it is (R17.5). */
  readonly workloads: readonly string[];
}

/** The namespaces that the system owns (R13.1); workloads' namespaces but production's are made, the forge's is not. */
export function composeNamespaces(output: SystemOutput, facts: NamespaceFacts): void {
  const chart = output.chart('install/namespaces/namespaces', { component: 'namespaces' });
  const made = [
    ...facts.own.map((props) => new Namespace(chart, props.name, props)),
    new Namespace(chart, 'ArgoCd', { name: facts.argoCd }),
    new Namespace(chart, 'SetUp', {
      name: facts.setUp,
      podSecurity: 'baseline',
      reason: 'giving directories on the NFS server to their consumers needs root, for seconds, at install',
    }),
  ];
  const kargo = new KargoNamespaces(chart, 'KargoNamespaces', { namespace: facts.kargo, project: facts.project });
  output.except([...made, kargo].flatMap((part) => part.exceptions));
  // The workloads' charts decide what their pods may do.
  for (const name of facts.workloads) {
    const workload = new Namespace(
      output.chart(`install/namespaces/${name}`, { component: 'namespaces' }),
      'Namespace',
      {
        name,
        podSecurity: 'baseline',
        reason: "the application's own chart decides what its pods need",
      },
    );
    output.except(workload.exceptions);
  }
}

/** A directory of the share with its volume and the one claim that binds it. */
export interface VolumeFacts {
  readonly volume: string;
  readonly directory: string;
  readonly size: string;
  readonly uid: number;
  readonly claim: { readonly namespace: string; readonly name: string };
}

export interface StorageFacts {
  readonly share: NfsShare;
  readonly volumes: readonly VolumeFacts[];
  /** Namespace of the Job that makes the directories. */
  readonly setUp: string;
  readonly image: Image;
}

/** Volumes on the share, their claims, and the Job that makes and checks the directories (R24). */
export function composeStorage(output: SystemOutput, { share, volumes, setUp, image }: StorageFacts): string {
  const chart = output.chart('install/volumes/volumes', { component: 'storage' });
  for (const { volume, directory, size, claim } of volumes) {
    new NfsVolume(chart, volume, { name: volume, share, directory, capacity: size, claim });
  }
  new DefaultDeny(
    output.chart('install/directories/network', { namespace: setUp, component: 'storage' }),
    'DefaultDeny',
  );
  const job = new ShareDirectories(
    output.chart('install/directories/directories', { namespace: setUp, component: 'storage' }),
    'Job',
    {
      share,
      directories: volumes.map(({ directory, uid }) => ({ path: directory, uid, gid: uid, mode: '0750' })),
      image,
    },
  );
  output.except(job.exceptions);
  return job.jobName;
}
