import { Construct } from 'constructs';
import { type Container, KubeJob, type Volume } from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import { SettingsError } from '../../model/problems.ts';
import { directoryProblems, type NfsShare, type ShareDirectory } from '../../model/volume/nfs.ts';
import {
  type CheckException,
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  ScriptConfig,
  shortHash,
} from '../workload/index.ts';
import checkDirectory from './check-directory.sh';
import makeDirectories from './make-directories.sh';

export interface ShareDirectoriesProps {
  /** The parent of every directory; it is mounted whole. */
  readonly share: NfsShare;
  /** One per consumer, none inside another. */
  readonly directories: readonly ShareDirectory[];
  /** An image with sh, stat, chown, dd and flock: busybox, or any Debian. */
  readonly image: Image;
  /** Name of the Job, without the hash. @default 'share-directories' */
  readonly name?: string;
}

const share = '/share';
const scripts = '/scripts';
const resources: Resources = { cpu: '10m', memory: '32Mi', cpuLimit: '200m', disk: '16Mi' };

/**
 * A Job that makes the directories of an NFS share and then checks each as its consumer's own user: owner, mode, fsync, rename,
 * lock. It succeeds only if every check does. Making them needs root and an NFS mount inside the pod, so its namespace has
 * the Pod Security level `baseline`; the checks run restricted.
 *
 * The Job's name changes with what it does, so that applying it again never meets an immutable field.
 *
 * @throws SettingsError if directories overlap or there is none
 */
export class ShareDirectories extends Construct {
  readonly jobName: string;
  readonly exceptions: readonly CheckException[];

  constructor(scope: Construct, id: string, props: ShareDirectoriesProps) {
    super(scope, id);
    refuseBadDirectories(props.directories);
    const name = props.name ?? 'share-directories';
    const namespace = namespaceOf(this);
    const config = new ScriptConfig(this, 'Scripts', {
      name,
      files: {
        'make-directories.sh': makeDirectories,
        'check-directory.sh': checkDirectory,
        'directories.tsv': directoryTable(props.directories),
      },
    });
    this.jobName = `${name}-${shortHash([props.share, props.image, config.configMapName])}`;
    this.exceptions = exceptionsOf(`Job/${namespace}/${this.jobName}`);
    const image = imageReference(props.image);
    new KubeJob(this, 'Job', {
      metadata: { name: this.jobName },
      spec: {
        backoffLimit: 3,
        activeDeadlineSeconds: 600,
        template: {
          metadata: { labels: { 'app.kubernetes.io/name': name } },
          spec: {
            restartPolicy: 'Never',
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            initContainers: [makingContainer(image)],
            containers: props.directories.map((directory) => checkingContainer(image, directory)),
            volumes: volumes(props.share, config.configMapName),
          },
        },
      },
    });
  }
}

/** The lines that make-directories.sh reads. */
export function directoryTable(directories: readonly ShareDirectory[]): string {
  return directories.map((entry) => `${[entry.path, entry.uid, entry.gid, entry.mode].join('\t')}\n`).join('');
}

function refuseBadDirectories(directories: readonly ShareDirectory[]): void {
  const problems = [
    ...directoryProblems(new Map(directories.map((entry, index) => [`directories.${index}`, entry.path]))),
    ...directories.flatMap((entry, index) => ownerProblems(`directories.${index}`, entry)),
  ];
  if (directories.length === 0) {
    problems.push({ path: 'directories', problem: 'there is none', remedy: 'name the directory of each consumer' });
  }
  if (problems.length > 0) throw new SettingsError('directories of the share', problems);
}

function ownerProblems(path: string, { uid, gid, mode }: ShareDirectory) {
  const problems = [];
  if (!Number.isInteger(uid) || uid < 1) {
    problems.push({
      path: `${path}.uid`,
      problem: `${uid} is no consumer's user id`,
      remedy: 'use the uid of its pod, never 0',
    });
  }
  if (!Number.isInteger(gid) || gid < 1) {
    problems.push({
      path: `${path}.gid`,
      problem: `${gid} is no consumer's group id`,
      remedy: 'use the gid of its pod, never 0',
    });
  }
  if (!/^0[0-7]{3}$/.test(mode)) {
    problems.push({
      path: `${path}.mode`,
      problem: `${JSON.stringify(mode)} is no mode`,
      remedy: 'write it like 0750',
    });
  }
  return problems;
}

function makingContainer(image: string): Container {
  return {
    name: 'make',
    image,
    command: ['sh', `${scripts}/make-directories.sh`, share, `${scripts}/directories.tsv`],
    resources: resourceRequirements(resources),
    securityContext: {
      ...restrictedContainer(),
      runAsUser: 0,
      capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] },
    },
    volumeMounts: mounts(),
  };
}

function checkingContainer(image: string, directory: ShareDirectory): Container {
  return {
    name: `check-${directory.path.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`,
    image,
    command: [
      'sh',
      `${scripts}/check-directory.sh`,
      `${share}/${directory.path}`,
      String(directory.uid),
      String(directory.gid),
      directory.mode,
    ],
    resources: resourceRequirements(resources),
    securityContext: {
      ...restrictedContainer(),
      runAsNonRoot: true,
      runAsUser: directory.uid,
      runAsGroup: directory.gid,
    },
    volumeMounts: mounts(),
  };
}

function mounts() {
  return [
    { name: 'share', mountPath: share },
    { name: 'scripts', mountPath: scripts, readOnly: true },
  ];
}

function volumes(source: NfsShare, configMapName: string): Volume[] {
  return [
    { name: 'share', nfs: { server: source.server, path: source.path } },
    { name: 'scripts', configMap: { name: configMapName } },
  ];
}

function exceptionsOf(object: string): CheckException[] {
  const reason =
    'giving a directory on the NFS server to its consumer needs root; only the first container has it, for seconds';
  return [{ check: 'run-as-non-root', object, reason }];
}
