import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import type { Plane } from '../plane.ts';

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** Kinds that the control plane itself writes all the time, or that follow from others. */
const restless = new Set([
  'events',
  'leases',
  'nodes',
  'pods',
  'replicasets',
  'controllerrevisions',
  'endpoints',
  'endpointslices',
  'componentstatuses',
  'apiservices',
  'flowschemas',
  'prioritylevelconfigurations',
]);

/** Every object of the cluster that somebody wrote, by `group/resource namespace/name`. */
export async function clusterState(plane: Plane): Promise<ReadonlyMap<string, KubernetesObject>> {
  const groups: Array<{ preferredVersion: { groupVersion: string } }> = (await plane.request('GET', '/apis')).body
    .groups;
  const bases = ['/api/v1', ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)];
  const state = new Map<string, KubernetesObject>();
  await Promise.all(
    bases.map(async (base) => {
      const resources: ApiResource[] = (await plane.request('GET', base)).body.resources ?? [];
      for (const { name, verbs } of resources) {
        if (name.includes('/') || !verbs.includes('list') || restless.has(name)) continue;
        const items: KubernetesObject[] = (await plane.request('GET', `${base}/${name}`)).body.items ?? [];
        for (const item of items) {
          if (name === 'serviceaccounts' && item.metadata.namespace === 'kube-system') continue;
          state.set(`${base}/${name} ${item.metadata.namespace ?? ''}/${item.metadata.name}`, item);
        }
      }
    }),
  );
  return new Map([...state].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The resource version of each object: two equal results mean that nothing was written in between. */
export async function resourceVersions(plane: Plane, only = (_key: string) => true): Promise<Record<string, string>> {
  const state = [...(await clusterState(plane))].filter(([key]) => only(key));
  return Object.fromEntries(state.map(([key, object]) => [key, object.metadata.resourceVersion ?? '']));
}
