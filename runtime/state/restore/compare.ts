import type { KubernetesObject } from '../../kubernetes/resources.ts';
import { canonical } from '../manifest.ts';
import type { KargoState } from '../parts/kargo.ts';
import { restoredPromotionStatus, restoredStageStatus } from './convert.ts';
import type { RestoreMark } from './marker.ts';

/**
 * Compares the cluster with the snapshot after a restore: every name, label, annotation, owner, content and status. Empty when all
 * is equal. Specs of objects that Git owns may differ, and so may what the API server gives (uid, time stamps).
 */
export function differences(saved: KargoState, present: KargoState, mark: RestoreMark): string[] {
  const promotions = new Map(saved.promotions.map((promotion) => [promotion.metadata.name ?? '', promotion]));
  // An owner that did not come back was dropped on purpose.
  const owners = new Set(
    [...present.projects, ...present.warehouses, ...present.stages, ...present.promotionTasks].map(
      (object) => `${object.kind}/${object.metadata.name}`,
    ),
  );
  const content = (object: KubernetesObject): unknown => contentOf(object, owners);
  return [
    ...compareKind('Freight', saved.freights, present.freights, content, (freight) => freight.status),
    ...compareKind('Promotion', saved.promotions, present.promotions, content, (promotion) =>
      restoredPromotionStatus(promotion, mark.snapshot, mark.startedAt),
    ),
    ...compareKind('Stage', saved.stages, present.stages, nothing, (stage) => restoredStageStatus(stage, promotions)),
    ...compareKind('Warehouse', saved.warehouses, present.warehouses, nothing, (warehouse) => warehouse.status),
    ...compareKind('Project', saved.projects, present.projects, nothing, (project) => project.status),
  ];
}

function compareKind(
  kind: string,
  saved: readonly KubernetesObject[],
  present: readonly KubernetesObject[],
  partOf: (object: KubernetesObject) => unknown,
  statusOf: (object: KubernetesObject) => unknown,
): string[] {
  const found = new Map(present.map((object) => [object.metadata.name, object]));
  return saved.flatMap((object) => {
    const other = found.get(object.metadata.name);
    const name = `${kind} ${object.metadata.name}`;
    if (other === undefined) return [`${name} is missing`];
    const wrong: string[] = [];
    if (canonical(partOf(object) ?? null) !== canonical(partOf(other) ?? null)) wrong.push(`${name} differs`);
    if (canonical(statusOf(object) ?? null) !== canonical(other.status ?? null))
      wrong.push(`${name} has another status`);
    return wrong;
  });
}

/** Everything but status and what belongs to one cluster. */
function contentOf(object: KubernetesObject, known: ReadonlySet<string>): unknown {
  const { status: _, metadata, ...rest } = object;
  const owners = (metadata.ownerReferences ?? [])
    .map(({ kind, name }) => `${kind}/${name}`)
    .filter((name) => known.has(name));
  return {
    ...rest,
    apiVersion: null,
    kind: null,
    metadata: {
      name: metadata.name,
      labels: metadata.labels ?? {},
      annotations: metadata.annotations ?? {},
      finalizers: metadata.finalizers ?? [],
      owners,
    },
  };
}

function nothing(): undefined {
  return undefined;
}
