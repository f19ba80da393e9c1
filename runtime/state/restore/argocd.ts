import { gitOpsFieldManager } from '../../../model/state/settings.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { APP_PROJECTS, APPLICATIONS, type KubernetesObject, type Resource } from '../../kubernetes/resources.ts';
import { type ArgoCdState, withoutParkedOperation } from '../parts/argocd.ts';
import { restoredMetadata } from './convert.ts';

/** What was made, what the cluster had already, and what Git no longer names. */
export interface ArgoCdRestored {
  made: string[];
  kept: string[];
  dropped: string[];
}

/**
 * Makes the AppProjects and Applications that the cluster lacks, with the spec of Git where there is one and the history of the
 * snapshot. One that exists is never touched. One that belongs to this system but is no longer in Git stays away.
 * An operation that waited in a sync window does not come back.
 */
export async function restoreArgoCd(
  client: KubernetesClient,
  saved: ArgoCdState,
  options: { system: string; desired: readonly KubernetesObject[]; dryRun: boolean },
): Promise<ArgoCdRestored> {
  const result: ArgoCdRestored = { made: [], kept: [], dropped: [] };
  for (const [resource, objects] of [
    [APP_PROJECTS, saved.appProjects],
    [APPLICATIONS, saved.applications],
  ] as const) {
    for (const object of objects) await restoreOne(client, resource, object, options, result);
  }
  return result;
}

async function restoreOne(
  client: KubernetesClient,
  resource: Resource,
  saved: KubernetesObject,
  options: { system: string; desired: readonly KubernetesObject[]; dryRun: boolean },
  result: ArgoCdRestored,
): Promise<void> {
  const { name = '', namespace } = saved.metadata;
  const label = `${resource.kind} ${name}`;
  if ((await client.find(resource, name, namespace)) !== undefined) {
    result.kept.push(label);
    return;
  }
  const wanted = options.desired.find(
    (object) =>
      object.kind === resource.kind && object.metadata.name === name && object.metadata.namespace === namespace,
  );
  const ours = saved.metadata.labels?.['app.kubernetes.io/part-of'] === options.system;
  if (wanted === undefined && ours) {
    result.dropped.push(label);
    return;
  }
  result.made.push(label);
  if (options.dryRun) return;
  const { status, ...rest } = withoutParkedOperation(saved);
  const source = wanted ?? { ...rest, metadata: restoredMetadata(saved.metadata, () => undefined) };
  // Applications have no status subresource: the status goes in with the object.
  const object = { ...source, ...(status === undefined ? {} : { status }) } as KubernetesObject;
  await client.create(resource, object, { fieldManager: gitOpsFieldManager });
}
