import { Construct } from 'constructs';
import {
  type JobSpec,
  KubeCronJob,
  KubeJob,
  KubeServiceAccount,
  type PodSpec,
  Quantity,
  type Volume,
  type VolumeMount,
} from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import type { Retention, SavedRepository, StatePart, StateSettings } from '../../model/state/settings.ts';
import type { KubernetesObject } from '../core/index.ts';
import { ProgramConfigMap } from '../program/index.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
  shortHash,
} from '../workload/index.ts';
import { bindRights, bothRights, restoreRights, snapshotRights } from './rights.ts';

/** A Git repository whose branches and tags belong to the state. */
export interface StateRepository {
  /** Name in snapshots, for example `pipelines`. */
  readonly name: string;
  readonly url: string;
  /** Keys `username` and `password`, in the namespace of the chart. @default - the repository is public */
  readonly credentials?: SecretRef;
}

export interface ComponentStateProps {
  /** Name of the system, as in dist/<system>. */
  readonly system: string;
  /** Systems that this one replaces on the same volume: their snapshots are restored too. @default - none */
  readonly predecessors?: readonly string[];
  /** Which component's state this is: each has a volume and a namespace of its own. R24.4 */
  readonly part: StatePart;
  /** The bundled program: `context.program('state')`. */
  readonly program: string;
  /** Node 20 or later; with git in it if there are repositories (the full `bookworm` image has it, `slim` has not). */
  readonly image: Image;
  /** Claim of the part's volume, in the namespace of the chart. R24.1 */
  readonly claimName: string;
  /** User that owns the volume's directory. */
  readonly uid: number;
  /** @default - the user id */
  readonly gid?: number;
  /** Secret with the key of the snapshots, see `stateKeySecret`. */
  readonly key: SecretRef;
  /** For the part `kargo`: the project, and every stage of it, switched on or off. */
  readonly kargo?: {
    readonly project: string;
    readonly stages: readonly string[];
    /** Promotions per stage that come back a second apart, newest ones. @default 5 */
    readonly spacedPerStage?: number;
  };
  /** For the part `argocd`: Applications that must be in every snapshot. */
  readonly argocd?: { readonly applications: readonly string[] };
  /** For the part `woodpecker`: where pg_dump writes on the volume. */
  readonly woodpecker?: {
    /** Relative to the volume. @default 'backups' */
    readonly dumpFolder?: string;
    /** An older dump fails the snapshot. @default 30 */
    readonly maxAgeHours?: number;
  };
  readonly repositories?: readonly StateRepository[];
  /** Secrets that are saved, sealed. Made again only where they are missing. */
  readonly secrets?: readonly SecretRef[];
  /**
   * The objects that Git holds (of Kargo: Project, Warehouse, Stage, PromotionTask; of Argo CD: AppProject, Application): on
   * a restore their specs win over the snapshot's. Others are passed over. Only for `StateJobs`.
   * @default - none: everything comes from the snapshot
   */
  readonly desired?: readonly KubernetesObject[];
  /** @default the 96 newest, and one a day for 30 days */
  readonly retention?: Retention;
  /** @default 50m CPU, 192Mi memory, at most 1Gi */
  readonly resources?: Resources;
}

export interface StateScheduleProps extends ComponentStateProps {
  /** Cron expression. @default every 15 minutes for `kargo`, hourly for `argocd`, nightly after the dump for `woodpecker` */
  readonly schedule?: string;
  /** IANA zone of the schedule. @default 'Etc/UTC' */
  readonly timeZone?: string;
}

/** The Secret with the key of a part's snapshots. Generated once; lost, the snapshots cannot be opened. */
export function stateKeySecret(namespace: string): SecretRef {
  return {
    namespace,
    name: 'state-key',
    keys: ['key'],
    provenance: 'generated',
    purpose: 'opens the snapshots on the volume; lost, they cannot be restored',
  };
}

const volumeMount = '/state';
const settingsFile = '/program/settings.json';
const desiredFile = '/program/desired.json';
const keyMount = '/run/secrets/state-key';
const defaultResources: Resources = { cpu: '50m', memory: '192Mi', memoryLimit: '1Gi', disk: '2Gi' };
const defaultSchedule: Readonly<Record<StatePart, string>> = {
  kargo: '*/15 * * * *',
  argocd: '7 * * * *',
  woodpecker: '45 2 * * *',
};
const wantedKinds: Readonly<Record<StatePart, readonly string[]>> = {
  kargo: ['Project', 'ProjectConfig', 'Warehouse', 'Stage', 'PromotionTask'],
  argocd: ['AppProject', 'Application'],
  woodpecker: [],
};

/**
 * Takes snapshots of one component's state on its volume by schedule (R24.1). It may only read. A snapshot that lacks a known
 * Project, Stage or Application, or whose history ends earlier than before, fails and never becomes the latest.
 */
export class StateSchedule extends Construct {
  readonly cronJobName: string;
  /** Secrets that must exist in the namespace. */
  readonly secrets: readonly SecretRef[];

  constructor(scope: Construct, id: string, props: StateScheduleProps) {
    super(scope, id);
    const pods = new StatePods(this, { ...props, desired: undefined }, 'state-snapshot');
    const { part } = props;
    bindRights(this, { namespace: pods.namespace, name: pods.accountName }, snapshotRights(pods.subject()));
    this.cronJobName = pods.accountName;
    this.secrets = pods.secrets;
    new KubeCronJob(this, 'CronJob', {
      metadata: { name: this.cronJobName },
      spec: {
        schedule: props.schedule ?? defaultSchedule[part],
        timeZone: props.timeZone ?? 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
        startingDeadlineSeconds: 600,
        successfulJobsHistoryLimit: 2,
        failedJobsHistoryLimit: 3,
        jobTemplate: { spec: pods.job(['snapshot'], { deadline: 1800 }) },
      },
    });
  }
}

/** A Job in a file of its own: what a step of the install plan names. */
export interface StateJob {
  readonly namespace: string;
  readonly jobName: string;
}

/**
 * The Jobs that the scripts run on one component's state: snapshot, restore, verify, probe. The chart of this construct gets program,
 * account and rights; each Job goes into a chart of its own, so that a plan can name its file.
 *
 * They have a program and an account apart from the schedule's: removing one never breaks the other.
 */
export class StateJobs extends Construct {
  /** Secrets that must exist in the namespace, but for `probe`. */
  readonly secrets: readonly SecretRef[];
  /** `namespace/name` of the ConfigMap that marks a restore; `restoreDone` is the value of its key `phase` in the end. */
  readonly restoreMark: string;
  readonly restoreDone = 'done';
  private readonly pods: StatePods;

  constructor(scope: Construct, id: string, props: ComponentStateProps) {
    super(scope, id);
    this.pods = new StatePods(this, props, 'state-jobs');
    this.secrets = this.pods.secrets;
    this.restoreMark = `${this.pods.namespace}/pipelines-restore`;
    const subject = this.pods.subject();
    bindRights(
      this,
      { namespace: this.pods.namespace, name: this.pods.accountName },
      bothRights(snapshotRights(subject), restoreRights(subject)),
    );
  }

  /** Brings back what the cluster lost; does nothing where nothing was lost or there is no snapshot. */
  restore(scope: Construct, id: string): StateJob {
    const args = ['restore', '--desired', desiredFile, '--if-needed'];
    return this.add(scope, id, 'state-restore', args, { deadline: 1800, secrets: 'key' });
  }

  /** Takes a snapshot and makes it the latest if it is whole. */
  snapshot(scope: Construct, id: string, name = 'state-snapshot-once'): StateJob {
    return this.add(scope, id, name, ['snapshot'], { deadline: 1800 });
  }

  /** Reads the latest snapshot back and checks it. */
  verify(scope: Construct, id: string): StateJob {
    return this.add(scope, id, 'state-verify', ['verify'], { deadline: 1800, secrets: 'key' });
  }

  /** Fails if there is a snapshot: before a new key would be generated. Needs no Secret and no rights. */
  probe(scope: Construct, id: string): StateJob {
    return this.add(scope, id, 'state-probe', ['probe'], { deadline: 300, secrets: 'none' });
  }

  /**
   * Makes missing Secrets again from the latest snapshot, by the key of the snapshots: run it after the step that makes the key.
   * Without a snapshot it needs no key and does nothing.
   */
  restoreSecrets(scope: Construct, id: string): StateJob {
    const args = ['restore', '--only', 'secrets', '--if-needed'];
    return this.add(scope, id, 'state-restore-secrets', args, { deadline: 600, secrets: 'key-if-any' });
  }

  private add(scope: Construct, id: string, name: string, args: readonly string[], how: JobHow): StateJob {
    const namespace = namespaceOf(scope);
    if (namespace !== this.pods.namespace) {
      throw new Error(`${name}: its chart is of ${namespace}, but program and volume are in ${this.pods.namespace}`);
    }
    const spec = this.pods.job(args, how);
    const jobName = `${name}-${shortHash([spec, args])}`;
    new KubeJob(scope, id, { metadata: { name: jobName }, spec });
    return { namespace, jobName };
  }
}

interface JobHow {
  /** Seconds. */
  readonly deadline: number;
  /**
   * What the pod mounts: it does not start before its Secrets exist.
   * @default 'all'
   */
  readonly secrets?: 'none' | 'key' | 'key-if-any' | 'all';
}

/** What the pods of schedule and Jobs have in common. */
class StatePods {
  readonly namespace: string;
  readonly accountName: string;
  readonly secrets: readonly SecretRef[];
  private readonly props: ComponentStateProps;
  private readonly config: ProgramConfigMap;

  constructor(scope: Construct, props: ComponentStateProps, name: string) {
    this.props = props;
    this.namespace = namespaceOf(scope);
    this.accountName = name;
    refuseWrongParts(props);
    const credentials = (props.repositories ?? []).flatMap(({ credentials: ref }) => (ref === undefined ? [] : [ref]));
    this.secrets = [props.key, ...credentials];
    for (const secret of this.secrets) this.refuseForeign(secret);
    const desired = (props.desired ?? []).filter((object) => wantedKinds[props.part].includes(object.kind));
    this.config = new ProgramConfigMap(scope, 'Program', {
      name,
      program: 'state',
      text: props.program,
      files: {
        'settings.json': `${JSON.stringify(this.settings(), undefined, 2)}\n`,
        ...(name === 'state-jobs' ? { 'desired.json': `${JSON.stringify(desired)}\n` } : {}),
      },
    });
    new KubeServiceAccount(scope, 'Account', { metadata: { name }, automountServiceAccountToken: false });
  }

  /** What snapshots and restores are about, for the rights. */
  subject() {
    const { part, kargo, secrets = [] } = this.props;
    return {
      ...(kargo === undefined ? {} : { kargo: { project: kargo.project, controllerNamespace: this.namespace } }),
      ...(part === 'argocd' ? { argocd: { namespace: this.namespace } } : {}),
      secrets,
    };
  }

  job(args: readonly string[], how: JobHow): JobSpec {
    return {
      backoffLimit: 2,
      activeDeadlineSeconds: how.deadline,
      template: {
        metadata: { labels: { 'app.kubernetes.io/name': this.accountName } },
        spec: this.pod(args, how.secrets ?? 'all'),
      },
    };
  }

  private pod(args: readonly string[], which: NonNullable<JobHow['secrets']>): PodSpec {
    const { props } = this;
    const secrets = this.secretVolumes(which);
    return {
      restartPolicy: 'Never',
      serviceAccountName: this.accountName,
      automountServiceAccountToken: which !== 'none',
      enableServiceLinks: false,
      securityContext: restrictedPod({ uid: props.uid, gid: props.gid }),
      containers: [
        {
          name: 'state',
          image: imageReference(props.image),
          command: this.config.command('/program', ...args, '--settings', settingsFile),
          env: [
            { name: 'NODE_ENV', value: 'production' },
            { name: 'HOME', value: '/tmp' },
          ],
          resources: resourceRequirements(props.resources ?? defaultResources),
          securityContext: restrictedContainer(),
          volumeMounts: [
            this.config.mount(),
            { name: 'state', mountPath: volumeMount },
            { name: 'tmp', mountPath: '/tmp' },
            ...secrets.map(({ mount }) => mount),
          ],
        },
      ],
      volumes: [
        this.config.volume(),
        { name: 'state', persistentVolumeClaim: { claimName: props.claimName } },
        { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('1536Mi') } },
        ...secrets.map(({ volume }) => volume),
      ],
    };
  }

  private secretVolumes(which: NonNullable<JobHow['secrets']>): { volume: Volume; mount: VolumeMount }[] {
    if (which === 'none') return [];
    const wanted = which === 'all' ? this.secrets : [this.props.key];
    const names = [...new Set(wanted.map(({ name }) => name))];
    return names.map((name) => ({
      // Readable for the pod's own user, which is not root and owns no volume of the kubelet.
      volume: {
        name: `secret-${name}`,
        secret: { secretName: name, defaultMode: 0o444, ...(which === 'key-if-any' ? { optional: true } : {}) },
      },
      mount: { name: `secret-${name}`, mountPath: secretMount(name, this.props.key), readOnly: true },
    }));
  }

  private settings(): StateSettings {
    const { props } = this;
    const repositories = (props.repositories ?? []).map(({ name, url, credentials }): SavedRepository => {
      if (credentials === undefined) return { name, url };
      const folder = secretMount(credentials.name, props.key);
      return { name, url, credentials: { usernameFile: `${folder}/username`, passwordFile: `${folder}/password` } };
    });
    return {
      format: 'state-settings/1',
      system: props.system,
      ...(props.predecessors === undefined ? {} : { predecessors: props.predecessors }),
      part: props.part,
      folder: volumeMount,
      keyFile: `${keyMount}/key`,
      retention: props.retention ?? { recent: 96, daily: 30 },
      ...(props.kargo === undefined
        ? {}
        : {
            kargo: {
              project: props.kargo.project,
              controllerNamespace: this.namespace,
              stages: props.kargo.stages,
              spacedPerStage: props.kargo.spacedPerStage ?? 5,
            },
          }),
      ...(props.argocd === undefined
        ? {}
        : { argocd: { namespace: this.namespace, applications: props.argocd.applications } }),
      ...(props.woodpecker === undefined
        ? {}
        : {
            woodpecker: {
              dumpFolder: `${volumeMount}/${props.woodpecker.dumpFolder ?? 'backups'}`,
              maxAgeHours: props.woodpecker.maxAgeHours ?? 30,
            },
          }),
      repositories,
      secrets: (props.secrets ?? []).map(({ namespace, name }) => ({ namespace, name })),
    };
  }

  private refuseForeign(secret: SecretRef): void {
    if (secret.namespace === this.namespace) return;
    throw new Error(
      `${this.accountName}: the Secret ${secret.name} is in ${secret.namespace}; a pod reads Secrets of its own namespace, ${this.namespace}, only`,
    );
  }
}

function secretMount(name: string, key: SecretRef): string {
  return name === key.name ? keyMount : `/run/secrets/${name}`;
}

function refuseWrongParts(props: ComponentStateProps): void {
  const given = (['kargo', 'argocd', 'woodpecker'] as const).filter((part) => props[part] !== undefined);
  if (given.length !== 1 || given[0] !== props.part) {
    throw new Error(
      `state of ${props.part}: give exactly the settings of that part, not ${given.join(' and ') || 'none'}: ` +
        'each part has a volume of its own',
    );
  }
}
