import type { KubernetesObject, ObjectMeta, OwnerReference } from '../../kubernetes/resources.ts';

const ENDED = new Set(['Succeeded', 'Failed', 'Errored', 'Aborted']);

interface StepExecution {
  status?: string;
  finishedAt?: string;
  message?: string;
}
interface PromotionStatus {
  phase?: string;
  message?: string;
  finishedAt?: string;
  stepExecutionMetadata?: StepExecution[];
}
interface StageStatus {
  currentPromotion?: { name?: string } | null;
}

/** Whether a promotion had ended when the snapshot was taken. */
export function hasEnded(promotion: KubernetesObject): boolean {
  return ENDED.has((promotion.status as PromotionStatus | undefined)?.phase ?? '');
}

/**
 * The status with which a promotion comes back. One that waited or ran becomes Aborted, with the reason: nobody knows how far it
 * got, and it must not start by itself. The result depends on the snapshot and the restore's own start alone, so that a resumed
 * restore writes the same.
 */
export function restoredPromotionStatus(promotion: KubernetesObject, snapshot: string, at: string): unknown {
  if (hasEnded(promotion)) return promotion.status;
  const status = (promotion.status ?? {}) as PromotionStatus;
  const was = status.phase || 'not yet started';
  const message = `interrupted by a rebuild: it was ${was} in snapshot ${snapshot}; promote again if it is still wanted`;
  const steps = status.stepExecutionMetadata?.map((step) =>
    step.finishedAt === undefined
      ? { ...step, status: 'Aborted', finishedAt: at, message: 'interrupted by a rebuild' }
      : step,
  );
  return {
    ...status,
    phase: 'Aborted',
    message,
    finishedAt: at,
    ...(steps === undefined ? {} : { stepExecutionMetadata: steps }),
  };
}

/**
 * The status with which a stage comes back. Its current promotion stays only if that had ended and just was not entered in the
 * stage's history yet: Kargo then enters it. One that was interrupted is no longer current.
 */
export function restoredStageStatus(
  stage: KubernetesObject,
  promotions: ReadonlyMap<string, KubernetesObject>,
): unknown {
  const status = stage.status as StageStatus | undefined;
  const current = status?.currentPromotion?.name;
  if (status === undefined || current === undefined) return status;
  const promotion = promotions.get(current);
  if (promotion !== undefined && hasEnded(promotion)) return status;
  const { currentPromotion: _, ...rest } = status;
  return rest;
}

/** Finds the new uid of an object that came back. */
export type UidOf = (kind: string, name: string) => string | undefined;

/**
 * The metadata with which an object is made again: without what the API server gives, and with the new uids of its owners. An owner
 * that did not come back is dropped: with its old uid the garbage collector would delete the object.
 */
export function restoredMetadata(metadata: ObjectMeta, uidOf: UidOf): ObjectMeta {
  const { name, namespace, labels, annotations, finalizers } = metadata;
  const owners = (metadata.ownerReferences ?? [])
    .map((owner) => ({ ...owner, uid: uidOf(owner.kind, owner.name) }))
    .filter((owner): owner is OwnerReference => owner.uid !== undefined);
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(owners.length > 0 ? { ownerReferences: owners } : {}),
  };
}

/** Annotations with which Kargo keeps something on a stage or warehouse; requests to do something are no state. */
export function keptAnnotations(saved: ObjectMeta, desired: ObjectMeta): Record<string, string> {
  const requests = new Set(['refresh', 'reverify', 'abort'].map((name) => `kargo.akuity.io/${name}`));
  return Object.fromEntries(
    Object.entries(saved.annotations ?? {}).filter(
      ([name]) =>
        name.startsWith('kargo.akuity.io/') && !requests.has(name) && desired.annotations?.[name] === undefined,
    ),
  );
}
