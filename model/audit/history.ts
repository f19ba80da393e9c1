import type { AuditFact, AuditImage } from './record.ts';

/** What became of a promotion. `Removed`: gone from Kargo before its end was seen. `Denied`: refused, it never existed. */
export type HistoryResult =
  | 'Pending'
  | 'Running'
  | 'Succeeded'
  | 'Failed'
  | 'Errored'
  | 'Aborted'
  | 'Removed'
  | 'Denied';

/** One promotion, or one refused attempt, with every audit field. */
export interface HistoryEntry {
  /** Name of the promotion, or `attempt:<id>`. */
  readonly id: string;
  readonly project: string;
  readonly stage: string;
  readonly sourceStages: readonly string[];
  readonly freight: string;
  readonly freightAlias?: string;
  readonly tag: string;
  readonly images: readonly AuditImage[];
  readonly actor: string;
  readonly automatic: boolean;
  readonly note?: string;
  /** Justification, when break-glass was used (or tried). */
  readonly breakGlass?: string;
  readonly rollback?: true;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly result: HistoryResult;
  readonly abortedBy?: string;
  /** Kargo's message, or the refusal in words. */
  readonly message?: string;
  /** Numbers of the records that say so. */
  readonly records: readonly number[];
}

/** Which entries to list. Empty fields don't restrict. */
export interface HistoryQuery {
  readonly stage?: string;
  readonly result?: HistoryResult;
  /** Only with (true) or without (false) break-glass. */
  readonly breakGlass?: boolean;
  /** Found anywhere in id, tag, freight, alias, actor, note, justification or message; case does not matter. */
  readonly text?: string;
  /** RFC 3339; created at or after / before. */
  readonly from?: string;
  readonly to?: string;
  /** Id of the last entry of the page before. */
  readonly after?: string;
  /** Entries to pass over; for pages by number. @default 0 */
  readonly offset?: number;
  /** @default 100 */
  readonly limit?: number;
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** How many entries match the query, on all pages. */
  readonly total: number;
  /** Give this as `after` for the next page; absent on the last one. */
  readonly next?: string;
}

type NumberedFact = AuditFact & { readonly seq: number };
type Draft = { -readonly [K in keyof HistoryEntry]: HistoryEntry[K] };

/** Promotions by name, built record by record. Newest first. */
export class History {
  private readonly entries = new Map<string, Draft>();
  private sorted: readonly HistoryEntry[] | undefined;

  get size(): number {
    return this.entries.size;
  }

  get(id: string): HistoryEntry | undefined {
    return this.entries.get(id);
  }

  add(fact: NumberedFact): void {
    const draft = this.draftOf(fact);
    if (!draft) return;
    draft.records = [...draft.records, fact.seq];
    switch (fact.type) {
      case 'promotion-created':
        draft.sourceStages = fact.sourceStages;
        draft.images = fact.images;
        draft.automatic = fact.automatic;
        draft.freightAlias = fact.freightAlias;
        draft.note = fact.note;
        draft.breakGlass = fact.breakGlass;
        draft.rollback = fact.rollback;
        break;
      case 'break-glass':
        draft.breakGlass = fact.justification;
        break;
      case 'promotion-started':
        draft.startedAt = fact.at;
        if (draft.result === 'Pending') draft.result = 'Running';
        break;
      case 'promotion-finished':
      case 'promotion-aborted':
        // The first end counts: a promotion that was restored from an older snapshot says "aborted" although it had succeeded.
        if (draft.finishedAt !== undefined) break;
        draft.finishedAt = fact.at;
        draft.result = fact.type === 'promotion-aborted' ? 'Aborted' : fact.result;
        draft.message = fact.message;
        if (fact.type === 'promotion-aborted') draft.abortedBy = fact.abortedBy;
        break;
      case 'promotion-removed':
        if (draft.finishedAt === undefined) draft.result = 'Removed';
        break;
      case 'promotion-denied':
        draft.note = fact.note;
        draft.breakGlass = fact.justification;
        draft.message = fact.reason;
        draft.finishedAt = fact.at;
        break;
    }
    this.sorted = undefined;
  }

  query(query: HistoryQuery = {}): HistoryPage {
    const matching = this.newestFirst().filter((entry) => matches(entry, query));
    const start =
      query.after === undefined ? (query.offset ?? 0) : matching.findIndex((entry) => entry.id === query.after) + 1;
    const entries = matching.slice(start, start + (query.limit ?? 100));
    const more = start + entries.length < matching.length;
    return { entries, total: matching.length, next: more ? entries.at(-1)?.id : undefined };
  }

  private newestFirst(): readonly HistoryEntry[] {
    this.sorted ??= [...this.entries.values()].sort((a, b) =>
      a.createdAt === b.createdAt ? (a.id < b.id ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1,
    );
    return this.sorted;
  }

  private draftOf(fact: NumberedFact): Draft | undefined {
    const id = idOf(fact);
    if (id === undefined || !('stage' in fact)) return undefined;
    let draft = this.entries.get(id);
    if (!draft) {
      draft = {
        id,
        project: fact.project,
        stage: fact.stage,
        sourceStages: [],
        freight: fact.freight,
        tag: fact.tag,
        images: [],
        actor: 'actor' in fact ? fact.actor : '',
        automatic: false,
        createdAt: fact.at,
        result: fact.type === 'promotion-denied' ? 'Denied' : 'Pending',
        records: [],
      };
      this.entries.set(id, draft);
    }
    return draft;
  }
}

function idOf(fact: AuditFact): string | undefined {
  if ('promotion' in fact) return fact.promotion;
  return fact.type === 'promotion-denied' ? `attempt:${fact.attempt}` : undefined;
}

function matches(entry: HistoryEntry, query: HistoryQuery): boolean {
  if (query.stage && entry.stage !== query.stage) return false;
  if (query.result && entry.result !== query.result) return false;
  if (query.breakGlass !== undefined && (entry.breakGlass !== undefined) !== query.breakGlass) return false;
  if (query.from && entry.createdAt < query.from) return false;
  if (query.to && entry.createdAt >= query.to) return false;
  if (!query.text) return true;
  const wanted = query.text.toLowerCase();
  return [
    entry.id,
    entry.tag,
    entry.freight,
    entry.freightAlias,
    entry.actor,
    entry.note,
    entry.breakGlass,
    entry.message,
  ].some((field) => field?.toLowerCase().includes(wanted));
}
