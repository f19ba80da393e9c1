/** The part of a Promotion that its place in the queue follows from. */
export interface QueuedPromotion {
  readonly name: string;
  readonly stage: string;
  /** `status.phase`; a new promotion has none yet. */
  readonly phase?: string;
}

export interface QueueAhead {
  /** The one that is being carried out: it is waited for, or aborted by a person who knows what it is doing. */
  readonly running?: QueuedPromotion;
  /** Those that wait, in the order in which they would start. */
  readonly pending: readonly QueuedPromotion[];
}

const finished: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Errored', 'Aborted']);

/**
 * What stands before a new promotion to a stage. Kargo's queue has no priority: a promotion that the window holds also holds
 * everything behind it, an emergency included. So the client aborts what is pending before it breaks glass, after
 * confirmation. R19.1
 */
export function queueAhead<P extends QueuedPromotion>(
  promotions: readonly P[],
  stage: string,
): { readonly running?: P; readonly pending: readonly P[] } {
  const open = promotions.filter((promotion) => promotion.stage === stage && !finished.has(promotion.phase ?? ''));
  const running = open.find((promotion) => promotion.phase === 'Running');
  const pending = open.filter((promotion) => promotion !== running).sort((a, b) => (a.name < b.name ? -1 : 1));
  return running === undefined ? { pending } : { running, pending };
}
