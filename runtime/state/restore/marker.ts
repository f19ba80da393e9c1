import { restoreMarker } from '../../../model/state/settings.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { CONFIG_MAPS, type KubernetesObject } from '../../kubernetes/resources.ts';

/** How far a restore is: the ConfigMap that makes it resumable. */
export interface RestoreMark {
  snapshot: string;
  phase: 'running' | 'done';
  startedAt: string;
  finishedAt?: string;
}

export async function readMark(client: KubernetesClient, namespace: string): Promise<RestoreMark | undefined> {
  const object = await client.find(CONFIG_MAPS, restoreMarker, namespace);
  const data = object?.data as Record<string, string> | undefined;
  if (data === undefined) return undefined;
  const { snapshot, phase, startedAt, finishedAt } = data;
  if (!snapshot || !startedAt || (phase !== 'running' && phase !== 'done')) {
    throw new Error(`ConfigMap ${namespace}/${restoreMarker} is not readable; look at it, delete it and run again`);
  }
  return { snapshot, phase, startedAt, ...(finishedAt ? { finishedAt } : {}) };
}

export async function writeMark(client: KubernetesClient, namespace: string, mark: RestoreMark): Promise<void> {
  const object: KubernetesObject = {
    metadata: { name: restoreMarker, namespace, labels: { 'app.kubernetes.io/managed-by': 'pipelines' } },
    data: { ...mark },
  };
  await client.apply(CONFIG_MAPS, object, { fieldManager: 'pipelines-restore' });
}
