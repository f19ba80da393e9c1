import { Chart } from 'cdk8s';
import { Construct } from 'constructs';
import {
  type Container,
  IntOrString,
  KubeClusterRole,
  KubeClusterRoleBinding,
  KubeDeployment,
  KubeRole,
  KubeRoleBinding,
  KubeService,
  KubeServiceAccount,
  type PolicyRule,
  type Probe,
  type Volume,
} from '../../imports/k8s.ts';
import { annotationPrefix, gateAnnotation } from '../../model/gate/annotations.ts';
import { type Image, imageReference } from '../../model/image.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { label } from '../core/index.ts';
import { AllowIngress, type Peer } from '../network/index.ts';
import { ProgramConfigMap } from '../program/index.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
} from '../workload/index.ts';

export interface AuditRecorderProps {
  /** Node image that runs the program, version 20 or later. */
  readonly image: Image;
  /** The bundled program: `context.program('recorder')`. */
  readonly program: string;
  /** Kargo project whose promotions are recorded. R22.1 */
  readonly project: string;
  /** Claim of the volume that keeps the log, in the recorder's namespace; it outlives the cluster. R22.4, R24.1 */
  readonly claimName: string;
  /** Folder of the log on the volume, one name. @default 'audit' */
  readonly folder?: string;
  /** Folder of the state program's snapshots on the same volume, whose age becomes a metric. @default - not watched */
  readonly snapshotFolder?: string;
  /** User and group that own the folder. @default 1000, the user `node` of the image */
  readonly uid?: number;
  /** @default - the user id */
  readonly gid?: number;
  /** Label selector of the gate's policies and bindings, whose changes are recorded. @default the component `gate` of the chart's system */
  readonly gateSelector?: string;
  /** Where heads of the chain are anchored outside the volume. @default - nowhere: a log that is rewritten as a whole goes unnoticed */
  readonly anchor?: AuditAnchor;
  /** Pods of the desk: they read the history and report refused attempts. */
  readonly readers: readonly Peer[];
  /** Prometheus. @default - nobody reads the metrics */
  readonly scrapers?: readonly Peer[];
  /** @default 20m CPU, 96Mi memory, at most 384Mi */
  readonly resources?: Resources;
  /** Name of the Deployment and everything else. @default 'audit-recorder' */
  readonly name?: string;
}

/** A branch that only the recorder's own forge user pushes to. */
export interface AuditAnchor {
  /** Address of the forge, without slash at the end. */
  readonly forgeUrl: string;
  readonly owner: string;
  readonly repository: string;
  /** @default 'audit' */
  readonly branch?: string;
  /** Secret in the recorder's namespace with the keys `username` and `password` of the forge user. */
  readonly credentials: SecretRef;
  /** Minutes between anchors while something is recorded. Break-glass is anchored at once. @default 15 */
  readonly everyMinutes?: number;
}

const port = 8080;
const volumeMount = '/state';
const credentialsMount = '/run/secrets/forge';
const defaultResources: Resources = { cpu: '20m', memory: '96Mi', memoryLimit: '384Mi', disk: '64Mi' };

/**
 * The audit recorder: one pod that writes every promotion into a hash-chained log on a volume (R22). It reads Kargo's
 * objects and the gate's policies, and may write nothing in the cluster but its lease.
 */
export class AuditRecorder extends Construct {
  /** Address inside the cluster, for the desk. */
  readonly url: string;
  readonly serviceName: string;
  readonly port = port;
  /** Labels of the pod. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** User and group of the folder on the volume. */
  readonly uid: number;
  readonly gid: number;
  /** Folder of the log, relative to the volume. */
  readonly folder: string;
  /** Secrets that must exist. */
  readonly secrets: readonly SecretRef[];
  private readonly name: string;
  private readonly namespace: string;
  private readonly config: ProgramConfigMap;

  constructor(scope: Construct, id: string, props: AuditRecorderProps) {
    super(scope, id);
    this.name = props.name ?? 'audit-recorder';
    this.namespace = namespaceOf(this);
    this.folder = oneName(props.folder ?? 'audit');
    this.uid = props.uid ?? 1000;
    this.gid = props.gid ?? this.uid;
    this.podLabels = { 'app.kubernetes.io/name': this.name };
    this.serviceName = this.name;
    this.url = `http://${this.name}.${this.namespace}.svc:${port}`;
    this.secrets = props.anchor ? [this.checkedCredentials(props.anchor.credentials)] : [];
    this.config = new ProgramConfigMap(this, 'Program', {
      name: this.name,
      program: 'recorder',
      text: props.program,
      files: { 'settings.json': `${JSON.stringify(this.settings(props), undefined, 2)}\n` },
    });
    this.addRights(props.project);
    this.addDeployment(props);
    new KubeService(this, 'Service', {
      metadata: { name: this.name },
      spec: {
        selector: { ...this.podLabels },
        ports: [{ name: 'http', port, targetPort: IntOrString.fromNumber(port) }],
      },
    });
    new AllowIngress(this, 'Readers', {
      name: this.name,
      to: this.podLabels,
      ways: [{ from: [...props.readers, ...(props.scrapers ?? [])], ports: [port] }],
    });
  }

  private checkedCredentials(secret: SecretRef): SecretRef {
    if (secret.namespace !== this.namespace) {
      throw new Error(
        `${this.name}: the Secret ${secret.name} is in ${secret.namespace}; a pod reads Secrets of its own namespace, ${this.namespace}, only`,
      );
    }
    const missing = ['username', 'password'].filter((key) => !secret.keys.includes(key));
    if (missing.length > 0)
      throw new Error(
        `${this.name}: the Secret ${secret.name} has no key ${missing.join(' and ')}; give it username and password`,
      );
    return secret;
  }

  private settings(props: AuditRecorderProps): object {
    const { anchor } = props;
    return {
      project: props.project,
      folder: `${volumeMount}/${this.folder}`,
      listen: { host: '0.0.0.0', port },
      lease: { namespace: this.namespace, name: this.name },
      annotations: { note: gateAnnotation.note, breakGlass: gateAnnotation.breakGlass, prefix: annotationPrefix },
      gateSelector: props.gateSelector ?? this.gateOfSystem(),
      snapshotFolder:
        props.snapshotFolder === undefined ? undefined : `${volumeMount}/${oneName(props.snapshotFolder)}`,
      anchor: anchor && {
        url: anchor.forgeUrl,
        owner: anchor.owner,
        repository: anchor.repository,
        branch: anchor.branch ?? 'audit',
        userFile: `${credentialsMount}/username`,
        passwordFile: `${credentialsMount}/password`,
        everyMinutes: anchor.everyMinutes ?? 15,
      },
    };
  }

  private gateOfSystem(): string {
    const system = Chart.of(this).labels[label.partOf];
    return [`${label.component}=gate`, ...(system === undefined ? [] : [`${label.partOf}=${system}`])].join(',');
  }

  private addRights(project: string): void {
    const { name, namespace } = this;
    new KubeServiceAccount(this, 'Account', { metadata: { name }, automountServiceAccountToken: false });
    this.bind('Project', project, [
      {
        apiGroups: ['kargo.akuity.io'],
        resources: ['promotions', 'freights', 'stages'],
        verbs: ['get', 'list', 'watch'],
      },
      // Kargo writes the approver of a Freight nowhere else.
      { apiGroups: [''], resources: ['events'], verbs: ['list'] },
    ]);
    this.bind('Lease', namespace, [
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [name], verbs: ['get', 'update'] },
    ]);
    // Policies belong to no namespace. The name holds the namespace, so that two systems in one cluster don't meet.
    const clusterName = `${namespace}-${name}`;
    new KubeClusterRole(this, 'GateRole', {
      metadata: { name: clusterName },
      rules: [
        {
          apiGroups: ['admissionregistration.k8s.io'],
          resources: ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
          verbs: ['get', 'list', 'watch'],
        },
      ],
    });
    new KubeClusterRoleBinding(this, 'GateBinding', {
      metadata: { name: clusterName },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: clusterName },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
  }

  private bind(id: string, namespace: string, rules: PolicyRule[]): void {
    // Both roles may end up in one namespace: their names differ.
    const roleName = id === 'Lease' ? `${this.name}-lease` : this.name;
    new KubeRole(this, `${id}Role`, { metadata: { name: roleName, namespace }, rules });
    new KubeRoleBinding(this, `${id}Binding`, {
      metadata: { name: roleName, namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: roleName },
      subjects: [{ kind: 'ServiceAccount', name: this.name, namespace: this.namespace }],
    });
  }

  private addDeployment(props: AuditRecorderProps): void {
    const { anchor } = props;
    new KubeDeployment(this, 'Deployment', {
      metadata: { name: this.name },
      spec: {
        replicas: 1,
        // Two pods never write the same volume; the lease holds where this does not.
        strategy: { type: 'Recreate' },
        selector: { matchLabels: { ...this.podLabels } },
        template: {
          metadata: { labels: { ...this.podLabels } },
          spec: {
            serviceAccountName: this.name,
            automountServiceAccountToken: true,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: 60,
            securityContext: restrictedPod({ uid: this.uid, gid: this.gid }),
            containers: [this.container(props)],
            volumes: [
              this.config.volume(),
              { name: 'state', persistentVolumeClaim: { claimName: props.claimName } },
              ...(anchor ? [credentialsVolume(anchor.credentials)] : []),
            ],
          },
        },
      },
    });
  }

  private container(props: AuditRecorderProps): Container {
    return {
      name: 'recorder',
      image: imageReference(props.image),
      command: this.config.command('/program', '/program/settings.json'),
      env: [
        { name: 'NODE_ENV', value: 'production' },
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
      ports: [{ name: 'http', containerPort: port }],
      livenessProbe: probe('/livez', { periodSeconds: 20, failureThreshold: 6 }),
      readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 2 }),
      resources: resourceRequirements(props.resources ?? defaultResources),
      securityContext: restrictedContainer(),
      volumeMounts: [
        this.config.mount(),
        // Whole: a subPath that does not exist yet would be made by the kubelet, and belong to root.
        { name: 'state', mountPath: volumeMount },
        ...(props.anchor ? [{ name: 'forge', mountPath: credentialsMount, readOnly: true }] : []),
      ],
    };
  }
}

function credentialsVolume(secret: SecretRef): Volume {
  const items = ['username', 'password'].map((key) => ({ key, path: key }));
  return { name: 'forge', secret: { secretName: secret.name, items, defaultMode: 0o444 } };
}

function probe(path: string, timing: Pick<Probe, 'periodSeconds' | 'failureThreshold'>): Probe {
  return { httpGet: { path, port: IntOrString.fromNumber(port) }, timeoutSeconds: 5, ...timing };
}

function oneName(folder: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(folder))
    throw new Error(`folder ${JSON.stringify(folder)}: give one plain name, such as audit`);
  return folder;
}
