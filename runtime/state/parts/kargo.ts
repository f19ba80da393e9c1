import type { KubernetesClient } from '../../kubernetes/client.ts';
import { isReason } from '../../kubernetes/errors.ts';
import {
  FREIGHTS,
  type KubernetesObject,
  NAMESPACES,
  PROJECT_CONFIGS,
  PROJECTS,
  PROMOTION_TASKS,
  PROMOTIONS,
  type Resource,
  STAGES,
  WAREHOUSES,
} from '../../kubernetes/resources.ts';

/** Everything that Kargo knows about one project. */
export interface KargoState {
  format: 'kargo-state/1';
  project: string;
  namespace: KubernetesObject;
  projects: KubernetesObject[];
  projectConfigs: KubernetesObject[];
  warehouses: KubernetesObject[];
  stages: KubernetesObject[];
  promotionTasks: KubernetesObject[];
  freights: KubernetesObject[];
  promotions: KubernetesObject[];
}

/**
 * Reads the project with every status. Stages come before promotions: a promotion that ends in between is then known as ended,
 * and Kargo itself adds it to the stage's history later. The other way round a finished promotion would look interrupted.
 */
export async function readKargoState(client: KubernetesClient, project: string): Promise<KargoState> {
  const list = async (resource: Resource): Promise<KubernetesObject[]> =>
    (await client.list(resource, { namespace: project })).items.map(withoutBookkeeping);
  const found = await Promise.all([client.find(NAMESPACES, project), client.find(PROJECTS, project)]);
  const projects = found[1] === undefined ? [] : [withoutBookkeeping(found[1])];
  const stages = await listOrNone(() => list(STAGES));
  const warehouses = await listOrNone(() => list(WAREHOUSES));
  const projectConfigs = await listOrNone(() => list(PROJECT_CONFIGS));
  const promotionTasks = await listOrNone(() => list(PROMOTION_TASKS));
  const freights = await listOrNone(() => list(FREIGHTS));
  const promotions = await listOrNone(() => list(PROMOTIONS));
  return {
    format: 'kargo-state/1',
    project,
    namespace: withoutBookkeeping(found[0] ?? { metadata: { name: project } }),
    projects,
    projectConfigs,
    warehouses,
    stages,
    promotionTasks,
    freights: freights.sort(byName),
    promotions: promotions.sort(byName),
  };
}

export function kargoCounts(state: KargoState): Record<string, number> {
  return {
    projects: state.projects.length,
    projectConfigs: state.projectConfigs.length,
    warehouses: state.warehouses.length,
    stages: state.stages.length,
    promotionTasks: state.promotionTasks.length,
    freights: state.freights.length,
    promotions: state.promotions.length,
  };
}

/** What is known to exist but was not read. */
export function missingFromKargo(state: KargoState, stages: readonly string[]): string[] {
  const missing = state.projects.length === 0 ? [`Project ${state.project}`] : [];
  const names = new Set(state.stages.map((stage) => stage.metadata.name));
  return [...missing, ...stages.filter((stage) => !names.has(stage)).map((stage) => `Stage ${stage}`)];
}

/** The newest promotion of each stage. */
export function newestPromotions(state: KargoState): Record<string, string> {
  const newest: Record<string, string> = {};
  for (const promotion of state.promotions) {
    const stage = stageOf(promotion);
    const name = promotion.metadata.name ?? '';
    if (name > (newest[stage] ?? '')) newest[stage] = name;
  }
  return newest;
}

/** Stages whose history ends earlier than it did in an earlier snapshot: what a cluster that was not restored looks like. */
export function historyLost(earlier: Record<string, string>, later: Record<string, string>): string[] {
  return Object.entries(earlier)
    .filter(([stage, name]) => (later[stage] ?? '') < name)
    .map(([stage, name]) => `Promotion ${name} of stage ${stage}`);
}

export function stageOf(promotion: KubernetesObject): string {
  return (promotion.spec as { stage?: string } | undefined)?.stage ?? '';
}

/** Drops what only the API server's own bookkeeping needs. */
export function withoutBookkeeping(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Names of promotions hold their time of creation (a ULID), so that this is the order of time within a stage. */
export function byName(a: KubernetesObject, b: KubernetesObject): number {
  const [x, y] = [a.metadata.name ?? '', b.metadata.name ?? ''];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A kind that the cluster does not know (Kargo is not installed) has no objects; the check for completeness says so. */
async function listOrNone(list: () => Promise<KubernetesObject[]>): Promise<KubernetesObject[]> {
  try {
    return await list();
  } catch (error) {
    if (isReason(error, 'NotFound')) return [];
    throw error;
  }
}
