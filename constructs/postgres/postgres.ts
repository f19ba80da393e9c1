import { Construct } from 'constructs';
import {
  type Container,
  IntOrString,
  KubeCronJob,
  KubeService,
  KubeServiceAccount,
  KubeStatefulSet,
  type Probe,
  Quantity,
  type Volume,
  type VolumeMount,
} from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { AllowIngress, fromPods } from '../network/index.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
  ScriptConfig,
} from '../workload/index.ts';
import backupScript from './backup.sh';
import startScript from './start.sh';

export interface PostgresProps {
  /** Name of the StatefulSet, the Service and, with a suffix, of everything else; for example `woodpecker-postgres`. */
  readonly name: string;
  /** The official image or one built like it; its tag starts with `major`. */
  readonly image: Image;
  /** Major version. Data of one major is never opened by another: each has a folder of its own. */
  readonly major: number;
  readonly database: string;
  /** Owner of the database. */
  readonly user: string;
  /** Name of the Service. @default - `name` */
  readonly serviceName?: string;
  /** Secret with the password, if somebody else makes it. @default - a Secret `name` with the key `password`, made by the set-up */
  readonly password?: { readonly secret: string; readonly key: string };
  /** Claim of the volume that holds data and dumps. */
  readonly claimName: string;
  /**
   * User and group id that run the server and own the volume's directory.
   * @default 999, the id of `postgres` in the Debian images
   */
  readonly uid?: number;
  /** @default - the user id */
  readonly gid?: number;
  /** Labels of the pods that may connect, one set per kind of client. */
  readonly clients: ReadonlyArray<Readonly<Record<string, string>>>;
  readonly backup?: PostgresBackup;
  /** @default 100m CPU, 256Mi memory, at most 512Mi */
  readonly resources?: Resources;
}

export interface PostgresBackup {
  /** Cron expression. @default '15 2 * * *' */
  readonly schedule?: string;
  /** IANA zone of the schedule. @default 'Etc/UTC' */
  readonly timeZone?: string;
  /** Dumps to keep. @default 14 */
  readonly keep?: number;
}

const port = 5432;
const dataMount = '/var/lib/postgresql/data';
const scripts = '/scripts';
const passwordMount = '/run/secrets/postgres';
const passwordFile = `${passwordMount}/password`;

/**
 * One PostgreSQL server whose data and nightly dumps live on one volume (R24.1): SQLite would not survive NFS. At most one
 * server has the data at a time: one replica, and a lock on the volume.
 *
 * On the volume: `pg<major>/` holds the data, `backups/` the dumps.
 *
 * @throws if the image's tag is not of the major version
 */
export class Postgres extends Construct {
  /** Name of the Service. */
  readonly host: string;
  readonly port = port;
  readonly database: string;
  readonly user: string;
  /** One key, `password` unless it is given. Letters and digits only, so that it fits into a connection URL. */
  readonly passwordSecret: SecretRef;
  /** Owner of the volume's directory. */
  readonly uid: number;
  readonly gid: number;
  private readonly labels: Readonly<Record<string, string>>;
  private readonly backupLabels: Readonly<Record<string, string>>;
  private readonly scriptsName: string;

  constructor(scope: Construct, id: string, props: PostgresProps) {
    super(scope, id);
    if (!new RegExp(`^${props.major}([.-]|$)`).test(props.image.tag)) {
      throw new Error(
        `${props.name}: image tag ${props.image.tag} is not of PostgreSQL ${props.major}; a change of the major version needs a dump and a restore`,
      );
    }
    this.host = props.serviceName ?? props.name;
    this.database = props.database;
    this.user = props.user;
    this.uid = props.uid ?? 999;
    this.gid = props.gid ?? this.uid;
    this.labels = { 'app.kubernetes.io/name': props.name };
    this.backupLabels = { 'app.kubernetes.io/name': `${props.name}-backup` };
    this.passwordSecret = {
      namespace: namespaceOf(this),
      name: props.password?.secret ?? props.name,
      keys: [props.password?.key ?? 'password'],
      provenance: props.password === undefined ? 'generated' : 'provided',
      purpose: `password of the database ${props.database}; lost, the data cannot be opened`,
    };
    this.scriptsName = new ScriptConfig(this, 'Scripts', {
      name: `${props.name}-scripts`,
      files: { 'start.sh': startScript, 'backup.sh': backupScript },
    }).configMapName;
    new KubeServiceAccount(this, 'Account', { metadata: { name: props.name }, automountServiceAccountToken: false });
    this.addServer(props);
    this.addService(this.host);
    this.addBackup(props, props.backup ?? {});
    new AllowIngress(this, 'Clients', {
      name: props.name,
      to: this.labels,
      ways: [{ from: [...props.clients, this.backupLabels].map(fromPods), ports: [port] }],
    });
  }

  private addServer(props: PostgresProps): void {
    new KubeStatefulSet(this, 'Server', {
      metadata: { name: props.name },
      spec: {
        replicas: 1,
        serviceName: this.host,
        selector: { matchLabels: { ...this.labels } },
        template: {
          metadata: { labels: { ...this.labels } },
          spec: {
            ...this.podDefaults(props.name),
            terminationGracePeriodSeconds: 120,
            containers: [this.serverContainer(props)],
            volumes: this.volumes(props, true),
          },
        },
      },
    });
  }

  private serverContainer(props: PostgresProps): Container {
    return {
      name: 'postgres',
      image: imageReference(props.image),
      command: ['sh', `${scripts}/start.sh`, `${dataMount}/.lock`, 'docker-entrypoint.sh', 'postgres'],
      env: [
        { name: 'PGDATA', value: `${dataMount}/pg${props.major}` },
        { name: 'POSTGRES_DB', value: props.database },
        { name: 'POSTGRES_USER', value: props.user },
        { name: 'POSTGRES_PASSWORD_FILE', value: passwordFile },
        { name: 'POSTGRES_INITDB_ARGS', value: '--auth-host=scram-sha-256 --data-checksums' },
      ],
      ports: [{ name: 'postgres', containerPort: port }],
      resources: resourceRequirements(
        props.resources ?? { cpu: '100m', memory: '256Mi', cpuLimit: '1', memoryLimit: '512Mi' },
      ),
      securityContext: restrictedContainer(),
      // The first start makes the database, and a start after a crash replays its log: both may take minutes on NFS.
      startupProbe: readiness(props, { periodSeconds: 5, failureThreshold: 120 }),
      readinessProbe: readiness(props, { periodSeconds: 10, failureThreshold: 3 }),
      livenessProbe: {
        tcpSocket: { port: IntOrString.fromString('postgres') },
        periodSeconds: 20,
        failureThreshold: 6,
      },
      volumeMounts: [
        ...this.mounts(),
        { name: 'run', mountPath: '/var/run/postgresql' },
        { name: 'shared-memory', mountPath: '/dev/shm' },
      ],
    };
  }

  private addService(name: string): void {
    new KubeService(this, 'Service', {
      metadata: { name },
      spec: {
        type: 'ClusterIP',
        selector: { ...this.labels },
        ports: [{ name: 'postgres', port, targetPort: IntOrString.fromString('postgres'), protocol: 'TCP' }],
      },
    });
  }

  private addBackup(props: PostgresProps, backup: PostgresBackup): void {
    const name = `${props.name}-backup`;
    new KubeCronJob(this, 'Backup', {
      metadata: { name },
      spec: {
        schedule: backup.schedule ?? '15 2 * * *',
        timeZone: backup.timeZone ?? 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          spec: {
            backoffLimit: 2,
            activeDeadlineSeconds: 3600,
            template: {
              metadata: { labels: { ...this.backupLabels } },
              spec: {
                ...this.podDefaults(props.name),
                restartPolicy: 'Never',
                containers: [this.backupContainer(props, backup.keep ?? 14)],
                volumes: this.volumes(props, false),
              },
            },
          },
        },
      },
    });
  }

  private backupContainer(props: PostgresProps, keep: number): Container {
    return {
      name: 'backup',
      image: imageReference(props.image),
      command: ['sh', `${scripts}/backup.sh`],
      env: [
        { name: 'BACKUP_DIRECTORY', value: `${dataMount}/backups` },
        { name: 'KEEP', value: String(keep) },
        { name: 'PASSWORD_FILE', value: passwordFile },
        { name: 'PGHOST', value: this.host },
        { name: 'PGUSER', value: this.user },
        { name: 'PGDATABASE', value: this.database },
      ],
      resources: resourceRequirements({ cpu: '50m', memory: '128Mi', cpuLimit: '1' }),
      securityContext: restrictedContainer(),
      volumeMounts: this.mounts(),
    };
  }

  private podDefaults(serviceAccountName: string) {
    return {
      serviceAccountName,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: restrictedPod({ uid: this.uid, gid: this.gid }),
    };
  }

  private mounts(): VolumeMount[] {
    return [
      { name: 'data', mountPath: dataMount },
      { name: 'password', mountPath: passwordMount, readOnly: true },
      { name: 'scripts', mountPath: scripts, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ];
  }

  private passwordVolume({ password }: PostgresProps) {
    return {
      secretName: this.passwordSecret.name,
      ...(password === undefined ? {} : { items: [{ key: password.key, path: 'password' }] }),
    };
  }

  private volumes(props: PostgresProps, server: boolean): Volume[] {
    const runtime: Volume[] = [
      { name: 'run', emptyDir: { sizeLimit: Quantity.fromString('16Mi') } },
      { name: 'shared-memory', emptyDir: { medium: 'Memory', sizeLimit: Quantity.fromString('128Mi') } },
    ];
    return [
      { name: 'data', persistentVolumeClaim: { claimName: props.claimName } },
      { name: 'password', secret: this.passwordVolume(props) },
      { name: 'scripts', configMap: { name: this.scriptsName } },
      { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('64Mi') } },
      ...(server ? runtime : []),
    ];
  }
}

function readiness(props: PostgresProps, timing: Pick<Probe, 'periodSeconds' | 'failureThreshold'>): Probe {
  return {
    exec: { command: ['pg_isready', '--host=127.0.0.1', `--username=${props.user}`, `--dbname=${props.database}`] },
    timeoutSeconds: 5,
    ...timing,
  };
}
