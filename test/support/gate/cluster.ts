import type { KubernetesObject } from '../../../constructs/core/index.ts';
import type { Answer, Caller, Plane } from '../plane.ts';
import { until } from '../processes.ts';

export const project = 'example-pipeline';

/** Callers as the API server sees them. All have every right by RBAC: what refuses them is the gate. */
const everyRight = ['gate-test'];
const by = (as: string): Caller => ({ as, groups: everyRight });
export const caller = {
  setUp: by('pipelines-set-up'),
  kargoController: by('system:serviceaccount:kargo:kargo-controller'),
  kargoApi: by('system:serviceaccount:kargo:kargo-api'),
  kargoManagement: by('system:serviceaccount:kargo:kargo-management-controller'),
  kargoGarbageCollector: by('system:serviceaccount:kargo:kargo-garbage-collector'),
  kargoAdminToken: by('system:serviceaccount:example-pipeline:kargo-admin'),
  gitOps: by('system:serviceaccount:argocd:argocd-application-controller'),
  argoCdServer: by('system:serviceaccount:argocd:argocd-server'),
  clusterGarbageCollector: by('system:serviceaccount:kube-system:generic-garbage-collector'),
  node: { as: 'system:node:worker', groups: [...everyRight, 'system:nodes'] },
  mallory: by('mallory'),
  /** The administrator of the cluster, without impersonation. */
  clusterAdmin: {},
} as const satisfies Record<string, Caller>;

export const json = 'application/json';
export const mergePatch = 'application/merge-patch+json';
export const applyPatch = 'application/apply-patch+yaml';

const versions: Readonly<Record<string, string>> = {
  core: '/api/v1',
  kargo: '/apis/kargo.akuity.io/v1alpha1',
  argo: '/apis/argoproj.io/v1alpha1',
  rbac: '/apis/rbac.authorization.k8s.io/v1',
  admission: '/apis/admissionregistration.k8s.io/v1',
};

/** The address of a collection or an object. @param resource `configmaps`, or with its group `kargo/stages` */
export function address(resource: string, options: { namespace?: string; name?: string; sub?: string } = {}): string {
  const [group, plural] = resource.includes('/') ? (resource.split('/') as [string, string]) : ['core', resource];
  const base = versions[group];
  if (base === undefined) throw new Error(`${group} is no known group`);
  const parts = [base];
  if (options.namespace !== undefined) parts.push('namespaces', options.namespace);
  parts.push(plural);
  if (options.name !== undefined) parts.push(options.name);
  if (options.sub !== undefined) parts.push(options.sub);
  return parts.join('/');
}

const step = { uses: 'fail', config: { message: 'never run' } };

export interface PromotionOptions {
  readonly name?: string;
  readonly stage: string;
  /** @default the Freight of the example */
  readonly freight?: string;
  /** What Kargo or its webhook writes into create-actor; null for none. */
  readonly actor?: string | null;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
}

let count = 0;

/** A Promotion as Kargo's API server sends it, after its webhook. */
export function promotion(options: PromotionOptions): KubernetesObject {
  count += 1;
  return {
    apiVersion: 'kargo.akuity.io/v1alpha1',
    kind: 'Promotion',
    metadata: {
      name: options.name ?? `${options.stage}.${String(count).padStart(6, '0')}`,
      namespace: project,
      annotations: {
        ...(options.actor === null || options.actor === undefined
          ? {}
          : { 'kargo.akuity.io/create-actor': options.actor }),
        ...options.annotations,
      },
      ...options.metadata,
    },
    spec: { stage: options.stage, freight: options.freight ?? freight.metadata.name, steps: [step] },
    ...(options.status === undefined ? {} : { status: options.status }),
  } as KubernetesObject;
}

export function createPromotion(plane: Plane, who: Caller, options: PromotionOptions, dryRun = false): Promise<Answer> {
  const query = dryRun ? '?dryRun=All' : '';
  return plane.request('POST', address('kargo/promotions', { namespace: project }) + query, promotion(options), who);
}

/** What the controller writes. */
export function patchStatus(
  plane: Plane,
  who: Caller,
  resource: string,
  name: string,
  status: unknown,
  query = '',
): Promise<Answer> {
  const target = address(resource, { namespace: project, name, sub: 'status' });
  return plane.request('PATCH', target + query, { status }, { ...who, contentType: mergePatch });
}

/** A stage as a Git commit holds it. */
export function stageObject(name: string): KubernetesObject {
  return {
    apiVersion: 'kargo.akuity.io/v1alpha1',
    kind: 'Stage',
    metadata: { name, namespace: project },
    spec: {
      requestedFreight: [{ origin: { kind: 'Warehouse', name: 'images' }, sources: { direct: true } }],
      promotionTemplate: { spec: { steps: [step] } },
    },
  };
}

export const warehouse = {
  apiVersion: 'kargo.akuity.io/v1alpha1',
  kind: 'Warehouse',
  metadata: { name: 'images', namespace: project },
  spec: { interval: '5m0s', subscriptions: [{ image: { repoURL: 'registry.example.org/app' } }] },
} satisfies KubernetesObject;

export const freight = {
  apiVersion: 'kargo.akuity.io/v1alpha1',
  kind: 'Freight',
  metadata: { name: 'f'.repeat(40), namespace: project, labels: { 'kargo.akuity.io/alias': 'calm-otter' } },
  alias: 'calm-otter',
  origin: { kind: 'Warehouse', name: 'images' },
  images: [{ repoURL: 'registry.example.org/app', tag: 'a'.repeat(40) }],
} satisfies KubernetesObject;

export function application(name: string, namespace: string, appProject = 'example'): KubernetesObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name,
      namespace: 'argocd',
      annotations: { 'kargo.akuity.io/authorized-stage': `${project}:${name}` },
    },
    spec: {
      project: appProject,
      destination: { server: 'https://kubernetes.default.svc', namespace },
      sources: [{ repoURL: 'http://git.example.org/org/app', targetRevision: 'main', path: 'chart' }],
      syncPolicy: { automated: { prune: true } },
    },
  };
}

/** Namespaces, rights for the callers, and a pipeline with its Applications; no policy yet. */
export async function preparePipeline(plane: Plane): Promise<void> {
  const namespace = (name: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await plane.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'gate-test' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'gate-test' }],
    } as KubernetesObject,
    ...['kargo', 'argocd', project, 'example-beta', 'example-paper', 'example-live', 'elsewhere'].map(namespace),
  ]);
  await plane.apply([
    { apiVersion: 'kargo.akuity.io/v1alpha1', kind: 'Project', metadata: { name: project } } as KubernetesObject,
    {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'ProjectConfig',
      metadata: { name: project, namespace: project },
      spec: { promotionPolicies: [{ stageSelector: { name: 'beta' }, autoPromotionEnabled: true }] },
    } as KubernetesObject,
    warehouse,
    ...['ci', 'beta', 'canary', 'paper', 'live'].map(stageObject),
    freight,
    application('beta', 'example-beta'),
    application('paper', 'example-paper'),
    application('live', 'example-live'),
    application('root', 'argocd'),
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'example', namespace: 'argocd' },
      spec: { syncWindows: [{ kind: 'deny', schedule: '30 9 * * 1-5', duration: '6h30m', manualSync: true }] },
    } as KubernetesObject,
  ]);
}

/**
 * Applies policies and waits until each is in force: a new policy needs a moment, and one after the other. A policy is in
 * force when the request that it alone refuses is refused with its name.
 */
export async function enforce(
  plane: Plane,
  policies: readonly KubernetesObject[],
  probes: ReadonlyArray<() => Promise<Answer>>,
): Promise<void> {
  await plane.apply(policies);
  for (const probe of probes) {
    await until('a policy is in force', async () => ((await probe()).status === 403 ? true : undefined), 60_000);
  }
}

/** The text that a refused caller reads. */
export function refusal(answer: Answer): string {
  return `${answer.status} ${answer.body?.message ?? JSON.stringify(answer.body)}`;
}
