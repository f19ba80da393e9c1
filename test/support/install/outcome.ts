import { statSync } from 'node:fs';
import path from 'node:path';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import { run } from '../processes.ts';
import { clusterState } from './cluster-state.ts';
import type { TestSystem } from './world.ts';

/** What an install or teardown leaves behind, without what differs from run to run: equal outcomes compare equal. */
export interface Outcome {
  /** Objects in the cluster, by kind, namespace and name. */
  readonly objects: Readonly<Record<string, unknown>>;
  /** Latest revision of each Helm release. */
  readonly releases: Readonly<Record<string, string>>;
  /** Branches of the forge with their files. */
  readonly branches: Readonly<Record<string, string>>;
  /** Files on the volume. */
  readonly volume: readonly string[];
  /** Files in the operator's folder, with their modes. */
  readonly operator: readonly string[];
}

export async function outcomeOf(system: TestSystem): Promise<Outcome> {
  const objects: Record<string, unknown> = {};
  const releases: Record<string, { version: number; status: string }> = {};
  for (const [key, object] of await clusterState(system.world.plane)) {
    if (!belongsTo(system.name, object)) continue;
    if (object.type === 'helm.sh/release.v1') {
      const { name = '', status = '', version = '0' } = object.metadata.labels ?? {};
      if (Number(version) > (releases[name]?.version ?? 0)) releases[name] = { version: Number(version), status };
      continue;
    }
    const text = JSON.stringify(essence(object)).replaceAll(system.folder, '/FOLDER');
    objects[neutral(system.name, key)] = JSON.parse(neutral(system.name, text));
  }
  return {
    objects,
    releases: Object.fromEntries(Object.entries(releases).map(([name, { status }]) => [name, status])),
    branches: await branchesOf(system),
    volume: Object.keys(system.files(system.volume)),
    operator: Object.keys(system.files(system.state)).map(
      (file) => `${neutral(system.name, file)} ${(statSync(path.join(system.state, file)).mode & 0o777).toString(8)}`,
    ),
  };
}

function belongsTo(system: string, { metadata }: KubernetesObject): boolean {
  const names = [metadata.name, metadata.namespace, `${metadata.name}`.replace(/^pipelines-/, '')];
  return names.some((name) => name === system || name?.startsWith(`${system}-`));
}

function neutral(system: string, text: string): string {
  return text.replaceAll(new RegExp(`\\b${system}\\b`, 'g'), 'SYSTEM');
}

/** What the scripts decide about an object; identity, time and the control plane's own notes are left out. */
function essence(object: KubernetesObject): unknown {
  const { metadata, status, ...rest } = structuredClone(object);
  const { name, namespace, labels, annotations, finalizers, deletionTimestamp } = metadata;
  delete annotations?.['deployment.kubernetes.io/revision'];
  const { kind, spec, data } = rest as { kind?: string; spec?: Record<string, unknown>; data?: Record<string, string> };
  if (kind === 'Secret' || rest.type !== undefined || name === 'kube-root-ca.crt') rest.data = Object.keys(data ?? {});
  if (name?.startsWith('pipelines-')) rest.data = { ...data, revision: 'a revision', snapshot: '' };
  if (spec?.claimRef) {
    spec.claimRef = { ...(spec.claimRef as object), uid: undefined, resourceVersion: undefined };
  }
  const { phase, readyReplicas, sync } = (status ?? {}) as Record<string, unknown>;
  return {
    ...rest,
    metadata: {
      name,
      namespace,
      labels,
      annotations: annotations ?? {},
      finalizers,
      deleting: deletionTimestamp !== undefined,
    },
    status: { phase, readyReplicas, sync: (sync as { status?: string } | undefined)?.status },
  };
}

async function branchesOf(system: TestSystem): Promise<Record<string, string>> {
  const git = (...args: string[]) => run('git', ['--git-dir', path.join(system.forge, 'pipelines.git'), ...args]);
  const refs = await git('for-each-ref', '--format=%(refname)');
  if (refs.code !== 0) return {};
  const names = refs.stdout.split('\n').filter(Boolean);
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name): Promise<[string, string]> => {
        const content = name.includes('/stage/') ? (await git('show', `${name}:values.yaml`)).stdout : '';
        return [name, content];
      }),
    ),
  );
}
