import { History, type HistoryEntry, type HistoryPage, type HistoryQuery } from '../../../model/audit/history.ts';
import { gateAnnotation } from '../../../model/gate/annotations.ts';
import { promotionFacts } from '../../recorder/kargo-facts.ts';
import type { FreightObject, PromotionObject, StageObject } from '../../recorder/kargo-objects.ts';
import type { KargoFreight, KargoPromotion, KargoStage } from '../kargo/types.ts';

/** Pages of an export. */
const exportPage = 10_000;

/** Every entry that matches, asked for page by page. */
export async function everyEntry(
  ask: (query: HistoryQuery) => Promise<HistoryPage>,
  query: HistoryQuery,
): Promise<readonly HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for (let after: string | undefined; ; ) {
    const page = await ask({ ...query, after, limit: exportPage });
    entries.push(...page.entries);
    if (page.next === undefined) return entries;
    after = page.next;
  }
}

/** The history that Kargo itself still has, told by the same rules as the recorder's. For the time in which that is away. */
export function kargoHistory(
  promotions: readonly KargoPromotion[],
  stages: readonly KargoStage[],
  freight: readonly KargoFreight[],
): History {
  const stageByName = new Map(stages.map((one) => [one.metadata?.name, one as unknown as StageObject]));
  const freightByName = new Map(freight.map((one) => [one.metadata?.name, one as unknown as FreightObject]));
  const history = new History();
  for (const promotion of promotions) {
    const facts = promotionFacts(promotion as unknown as PromotionObject, {
      annotations: gateAnnotation,
      stage: stageByName.get(promotion.spec?.stage),
      freight: freightByName.get(promotion.spec?.freight),
    });
    // No record says so: the numbers are dropped again below.
    for (const fact of facts) history.add({ ...fact, seq: 0 });
  }
  return history;
}

/** An entry that no record of the audit log stands for. */
export function unrecorded(entry: HistoryEntry): HistoryEntry {
  return { ...entry, records: [] };
}
