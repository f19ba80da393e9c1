import type { KubernetesClient } from '../../kubernetes/client.ts';
import { isReason } from '../../kubernetes/errors.ts';
import { APP_PROJECTS, APPLICATIONS, type KubernetesObject, type Resource } from '../../kubernetes/resources.ts';
import { byName, withoutBookkeeping } from './kargo.ts';

/** Argo CD's objects that hold history: what `argocd admin export` gives, without what Git and the set-up own. */
export interface ArgoCdState {
  format: 'argocd-state/1';
  namespace: string;
  appProjects: KubernetesObject[];
  applications: KubernetesObject[];
}

export async function readArgoCdState(client: KubernetesClient, namespace: string): Promise<ArgoCdState> {
  const list = async (resource: Resource): Promise<KubernetesObject[]> => {
    try {
      return (await client.list(resource, { namespace })).items.map(withoutBookkeeping).sort(byName);
    } catch (error) {
      if (isReason(error, 'NotFound')) return [];
      throw error;
    }
  };
  const appProjects = await list(APP_PROJECTS);
  const applications = (await list(APPLICATIONS)).map(withoutParkedOperation);
  return { format: 'argocd-state/1', namespace, appProjects, applications };
}

export function missingFromArgoCd(state: ArgoCdState, applications: readonly string[]): string[] {
  const names = new Set(state.applications.map((application) => application.metadata.name));
  return applications.filter((name) => !names.has(name)).map((name) => `Application ${name}`);
}

/**
 * Drops an operation that waits (a sync window parks it) or was under way: after a restore it would start by itself, for a
 * promotion that ended long ago.
 */
export function withoutParkedOperation(application: KubernetesObject): KubernetesObject {
  const { operation: _, ...kept } = application;
  const status = kept.status as { operationState?: { phase?: string } } | undefined;
  const phase = status?.operationState?.phase;
  if (status === undefined || (phase !== 'Running' && phase !== 'Terminating')) return kept;
  const { operationState: __, ...finished } = status;
  return { ...kept, status: finished };
}
