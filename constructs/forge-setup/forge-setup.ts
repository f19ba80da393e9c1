import { Construct } from 'constructs';
import {
  type JobSpec,
  KubeJob,
  KubeServiceAccount,
  type PolicyRule,
  Quantity,
  type Volume,
  type VolumeMount,
} from '../../imports/k8s.ts';
import type {
  ConsumerSecret,
  ForgeDeployment,
  ForgeRepository,
  ForgeSetupSettings,
  ForgeUser,
  OAuthApplication,
  ValueSource,
  WoodpeckerSetup,
} from '../../model/forge-setup/settings.ts';
import { type Image, imageReference } from '../../model/image.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { ProgramConfigMap } from '../program/index.ts';
import { bindRights } from '../state/index.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
  shortHash,
} from '../workload/index.ts';

/** A repository of the forge. */
export interface ForgeRepositoryProps extends Omit<ForgeRepository, 'importTokenFile'> {
  /** Secret in the chart's namespace whose key `token` reads `importFrom`. @default - it is public */
  readonly importToken?: SecretRef;
}

/** A secret of the pipeline; its value comes from a Secret of the cluster, or is `unset` where nobody gave one. */
export interface PipelineSecret {
  /** As the pipeline names it, for example `github_token`. */
  readonly name: string;
  /** Events whose pipelines may read it. @default push and manual: never pull requests */
  readonly events?: readonly string[];
  readonly value: ValueSource;
}

export interface ForgeSetupProps {
  /** Name of the system, as in dist/<system>. */
  readonly system: string;
  /** The bundled program: `context.program('forge-setup')`. */
  readonly program: string;
  /** Node 20 or later with git in it (the full `bookworm` image has it, `slim` has not). */
  readonly image: Image;
  /** The one address of the forge, byte-equal in every consumer. R25.1 */
  readonly url: string;
  /** ConfigMap in the chart's namespace with the authority of forge and Woodpecker. @default - the system's authorities */
  readonly authority?: { readonly configMap: string; readonly key: string };
  /** The forge's administrator, without a second factor. R1.1 */
  readonly admin: {
    /** Keys `username` and `password`, in the chart's namespace; see `forgeAdminSecret`. */
    readonly secret: SecretRef;
    /** Address for a first set-up. */
    readonly email: string;
  };
  /** Port of Git over SSH, for a first set-up. R1.3 @default - as Gitea proposes */
  readonly sshPort?: number;
  /** Gitea's Deployment. @default - the forge is configured elsewhere */
  readonly deployment?: ForgeDeployment;
  /** Organization (or the administrator) that owns the repositories. R1.2 */
  readonly owner: string;
  readonly users: readonly ForgeUser[];
  /** Users that publish packages of the owner. @default - none */
  readonly packageWriters?: readonly string[];
  readonly repositories: readonly ForgeRepositoryProps[];
  readonly applications: readonly OAuthApplication[];
  readonly secrets: readonly ConsumerSecret[];
  /** Addresses of operators and approvers: each must belong to a user of the forge. @default - none */
  readonly people?: readonly string[];
  /** @default - the system's CI is not Woodpecker */
  readonly woodpecker?: Omit<WoodpeckerSetup, 'secrets' | 'caFile'> & { readonly secrets: readonly PipelineSecret[] };
  /**
   * The volume of Kargo's state, which holds bundles of the repositories: an empty forge is then never set up anew beside them.
   * @default - none
   */
  readonly snapshots?: {
    /** The volume, for example the NFS directory itself: its claim belongs to another namespace. */
    readonly volume: Omit<Volume, 'name'>;
    /** Secret in the chart's namespace with the key `key`; only needed to bring repositories back. */
    readonly key: SecretRef;
    /** User that owns the volume's directory. @default 1000 */
    readonly uid?: number;
  };
  /** @default 50m CPU, 192Mi memory, at most 512Mi */
  readonly resources?: Resources;
}

/** The Secret with name and password of the forge's administrator. */
export function forgeAdminSecret(namespace: string): SecretRef {
  return {
    namespace,
    name: 'forge-admin',
    keys: ['username', 'password'],
    provenance: 'generated',
    purpose:
      "administrator of the forge; where Gitea is set up already, give its administrator's name and password before the install",
  };
}

/** The Secret in which the set-up keeps Woodpecker's token. */
export function woodpeckerTokenSecret(namespace: string): SecretRef {
  return {
    namespace,
    name: 'woodpecker-token',
    keys: ['token', 'checksums'],
    provenance: 'forge-setup',
    purpose: "the set-up's access to Woodpecker",
  };
}

const name = 'forge-setup';
const settingsFile = '/program/settings.json';
const adminMount = '/run/secrets/forge-admin';
const authorityMount = '/run/authority';
const snapshotMount = '/snapshots';
const keyMount = '/run/secrets/state-key';
const defaultResources: Resources = { cpu: '50m', memory: '192Mi', memoryLimit: '512Mi', disk: '2Gi' };

/**
 * Sets up the forge and connects Woodpecker with it, without a browser (R1, R2.3, R25.1). The chart of this construct gets program,
 * account and rights; each Job goes into a chart of its own, so that a plan can name its file.
 *
 * The account may write the Secrets of the forge's consumers and nothing else in their namespaces, replace the pods that read them
 * only at their start, and configure Gitea's Deployment.
 */
export class ForgeSetup extends Construct {
  /** Secrets that the set-up writes. */
  readonly written: readonly { readonly namespace: string; readonly name: string }[];
  /** Secrets that must exist before. */
  readonly secrets: readonly SecretRef[];
  private readonly props: ForgeSetupProps;
  private readonly namespace: string;
  private readonly config: ProgramConfigMap;

  constructor(scope: Construct, id: string, props: ForgeSetupProps) {
    super(scope, id);
    this.props = props;
    this.namespace = namespaceOf(this);
    const imports = props.repositories.flatMap(({ importToken }) => (importToken ? [importToken] : []));
    this.secrets = [props.admin.secret, ...imports];
    for (const secret of [...this.secrets, ...(props.snapshots ? [props.snapshots.key] : [])])
      this.refuseForeign(secret);
    this.written = [
      ...props.applications.map(({ secret }) => ({ namespace: secret.namespace, name: secret.name })),
      ...props.secrets.map((secret) => ({ namespace: secret.namespace, name: secret.name })),
      ...(props.woodpecker ? [props.woodpecker.tokenSecret] : []),
    ];
    this.config = new ProgramConfigMap(this, 'Program', {
      name,
      program: 'forge-setup',
      text: props.program,
      files: { 'settings.json': `${JSON.stringify(this.settings(), undefined, 2)}\n` },
    });
    new KubeServiceAccount(this, 'Account', { metadata: { name }, automountServiceAccountToken: false });
    bindRights(this, { namespace: this.namespace, name }, { cluster: [], namespaces: this.rights() });
  }

  /** The forge, and the Secrets of its consumers. Before anything that logs in by it. */
  forge(scope: Construct, id: string): { readonly namespace: string; readonly jobName: string } {
    return this.add(scope, id, 'forge-setup', ['forge']);
  }

  /** Woodpecker's side: token, repository, webhook, pipeline secrets. After its server runs. */
  woodpecker(scope: Construct, id: string): { readonly namespace: string; readonly jobName: string } {
    if (this.props.woodpecker === undefined) throw new Error('forge-setup: the system has no Woodpecker');
    return this.add(scope, id, 'woodpecker-setup', ['woodpecker']);
  }

  /** The forge, with the repositories of an empty one brought back from the latest snapshot. Run by a person who knows. */
  restoreForge(scope: Construct, id: string): { readonly namespace: string; readonly jobName: string } {
    return this.add(scope, id, 'forge-restore', ['forge', '--restore-forge']);
  }

  private add(scope: Construct, id: string, base: string, args: readonly string[]) {
    const namespace = namespaceOf(scope);
    if (namespace !== this.namespace) {
      throw new Error(`${base}: its chart is of ${namespace}, but program and account are in ${this.namespace}`);
    }
    const spec = this.job(args);
    const jobName = `${base}-${shortHash([spec, args])}`;
    new KubeJob(scope, id, { metadata: { name: jobName }, spec });
    return { namespace, jobName };
  }

  private settings(): ForgeSetupSettings {
    const { props } = this;
    const caFile = props.authority ? `${authorityMount}/${props.authority.key}` : undefined;
    return {
      format: 'forge-setup-settings/1',
      system: props.system,
      url: props.url,
      ...(caFile ? { caFile } : {}),
      admin: {
        usernameFile: `${adminMount}/username`,
        passwordFile: `${adminMount}/password`,
        email: props.admin.email,
      },
      ...(props.sshPort === undefined ? {} : { sshPort: props.sshPort }),
      ...(props.deployment === undefined ? {} : { deployment: props.deployment }),
      owner: props.owner,
      users: props.users,
      packageWriters: props.packageWriters ?? [],
      repositories: props.repositories.map(({ importToken, ...repository }) => ({
        ...repository,
        ...(importToken === undefined ? {} : { importTokenFile: `/run/secrets/${importToken.name}/token` }),
      })),
      applications: props.applications,
      secrets: props.secrets,
      people: [...new Set(props.people ?? [])],
      ...(props.woodpecker === undefined
        ? {}
        : {
            woodpecker: {
              ...props.woodpecker,
              ...(caFile ? { caFile } : {}),
              secrets: props.woodpecker.secrets.map((secret) => ({
                ...secret,
                events: secret.events ?? ['push', 'manual'],
              })),
            },
          }),
      ...(props.snapshots === undefined
        ? {}
        : { snapshots: { folder: snapshotMount, keyFile: `${keyMount}/${props.snapshots.key.keys[0]}` } }),
    };
  }

  private rights(): ReadonlyMap<string, PolicyRule[]> {
    const { props } = this;
    const rules = new Map<string, PolicyRule[]>();
    const add = (namespace: string, ...more: PolicyRule[]): void => {
      rules.set(namespace, [...(rules.get(namespace) ?? []), ...more]);
    };
    const written = new Map<string, Set<string>>();
    const note = (map: Map<string, Set<string>>, namespace: string, secret: string): void => {
      map.set(namespace, (map.get(namespace) ?? new Set()).add(secret));
    };
    for (const secret of this.written) note(written, secret.namespace, secret.name);
    for (const [namespace, names] of written) {
      const resourceNames = [...names].sort();
      add(
        namespace,
        { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
        { apiGroups: [''], resources: ['secrets'], resourceNames, verbs: ['get', 'patch'] },
      );
    }
    // Values that it only passes on, to Woodpecker or into another Secret.
    const read = new Map<string, Set<string>>();
    const sources = [
      ...(props.woodpecker?.secrets ?? []).map(({ value }) => value),
      ...props.secrets.flatMap(({ values }) => Object.values(values)),
    ];
    for (const source of sources) {
      if ('secret' in source && !written.get(source.secret.namespace)?.has(source.secret.name)) {
        note(read, source.secret.namespace, source.secret.name);
      }
    }
    for (const [namespace, names] of read) {
      add(namespace, { apiGroups: [''], resources: ['secrets'], resourceNames: [...names].sort(), verbs: ['get'] });
    }
    for (const { restart } of props.applications) {
      if (restart) add(restart.namespace, { apiGroups: [''], resources: ['pods'], verbs: ['list', 'delete'] });
    }
    if (props.deployment !== undefined) {
      add(
        props.deployment.namespace,
        {
          apiGroups: ['apps'],
          resources: ['deployments'],
          resourceNames: [props.deployment.name],
          verbs: ['get', 'patch'],
        },
        { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
      );
    }
    return rules;
  }

  private job(args: readonly string[]): JobSpec {
    const { props } = this;
    const volumes = this.volumes();
    return {
      backoffLimit: 2,
      activeDeadlineSeconds: 1800,
      template: {
        metadata: { labels: { 'app.kubernetes.io/name': name } },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: name,
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          securityContext: restrictedPod({ uid: props.snapshots?.uid ?? 1000 }),
          containers: [
            {
              name: 'forge-setup',
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
                { name: 'tmp', mountPath: '/tmp' },
                ...volumes.map(({ mount }) => mount),
              ],
            },
          ],
          volumes: [
            this.config.volume(),
            { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('1536Mi') } },
            ...volumes.map(({ volume }) => volume),
          ],
        },
      },
    };
  }

  private volumes(): { volume: Volume; mount: VolumeMount }[] {
    const { admin, authority, repositories, snapshots } = this.props;
    const secret = (ref: SecretRef, mountPath: string, optional = false) => ({
      volume: {
        name: `secret-${ref.name}`,
        secret: { secretName: ref.name, defaultMode: 0o444, ...(optional ? { optional } : {}) },
      },
      mount: { name: `secret-${ref.name}`, mountPath, readOnly: true },
    });
    const imports = new Map(
      repositories.flatMap(({ importToken }) => (importToken ? [[importToken.name, importToken]] : [])),
    );
    return [
      secret(admin.secret, adminMount),
      ...[...imports.values()].map((ref) => secret(ref, `/run/secrets/${ref.name}`)),
      ...(authority
        ? [
            {
              volume: { name: 'authority', configMap: { name: authority.configMap } },
              mount: { name: 'authority', mountPath: authorityMount, readOnly: true },
            },
          ]
        : []),
      ...(snapshots
        ? [
            {
              volume: { name: 'snapshots', ...snapshots.volume },
              mount: { name: 'snapshots', mountPath: snapshotMount, readOnly: true },
            },
            secret(snapshots.key, keyMount, true),
          ]
        : []),
    ];
  }

  private refuseForeign(secret: SecretRef): void {
    if (secret.namespace === this.namespace) return;
    throw new Error(
      `${name}: the Secret ${secret.name} is in ${secret.namespace}; a pod reads Secrets of its own namespace, ${this.namespace}, only`,
    );
  }
}
