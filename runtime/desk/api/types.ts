/** What the desk's server and its two clients (the page, the script in the stock dashboard) tell each other. */
import type { HistoryEntry, HistoryResult } from '../../../model/audit/history.ts';
import type { Stage } from '../../../model/stage-chain.ts';

/** Answer of `GET /desk/api/settings`: what the clients need to know before they show anything. */
export interface DeskConfiguration {
  readonly project: string;
  readonly stages: readonly Stage[];
  /** Pattern of a commit's address with `{tag}` in it. @default - tags are not links */
  readonly commitUrl?: string;
  /** The server's clock (RFC 3339), so that a wrong clock of the user's machine does no harm. */
  readonly now: string;
  /** Who Kargo will say it was, as far as the token tells. */
  readonly actor: string;
  /** End of the token (RFC 3339). */
  readonly tokenExpires?: string;
  /** Whether an audit recorder is part of this system. */
  readonly recorder: boolean;
}

/** One build, as a stage has it or could have it. */
export interface BuildView {
  /** Name of the Freight. */
  readonly freight: string;
  readonly alias?: string;
  /** Image tag (Git commit). */
  readonly tag: string;
}

export interface StageView {
  readonly name: string;
  /** Kargo's identity of the Stage; missing while Kargo does not have the Stage. */
  readonly uid?: string;
  readonly current?: BuildView & {
    /** Since when it is there (RFC 3339). */
    readonly since?: string;
    readonly verified: boolean;
  };
  /** Health as Kargo says it: Healthy, Progressing, Degraded, Unknown ... */
  readonly health?: { readonly status: string; readonly issues: readonly string[] };
  /** What the stage is doing, in one word, and Kargo's own words about it. */
  readonly activity: {
    readonly state: 'ready' | 'promoting' | 'verifying' | 'failed' | 'reconciling' | 'unknown';
    readonly message?: string;
  };
  readonly running?: BuildView & { readonly promotion: string; readonly startedAt?: string };
  readonly last?: BuildView & {
    readonly promotion: string;
    readonly result: string;
    readonly finishedAt?: string;
    readonly message?: string;
  };
  /** Kargo holds automatic promotion back. */
  readonly hold?: string;
}

/** Whether a build may go to a stage, and if not, why not. */
export interface Eligibility {
  readonly state: 'here' | 'eligible' | 'waiting';
  /** In words, for `waiting` always. */
  readonly reason?: string;
}

export interface FreightView extends BuildView {
  /** When the Warehouse found it (RFC 3339). */
  readonly discoveredAt?: string;
  readonly images: readonly string[];
  /** By name of the stage. */
  readonly stages: Readonly<Record<string, Eligibility>>;
}

/** Answer of `GET /desk/api/state`. */
export interface DeskState {
  readonly stages: readonly StageView[];
  /** Newest first. */
  readonly freight: readonly FreightView[];
}

/** A Promotion that has not ended. */
export interface QueuedPromotion extends BuildView {
  readonly promotion: string;
  readonly phase: string;
  readonly actor: string;
  readonly createdAt?: string;
  readonly breakGlass: boolean;
}

/** Body of `POST /desk/api/promotions`. */
export interface PromotionRequest {
  readonly stage: string;
  readonly freight: string;
  /** Image tag as the user saw it, for the audit. */
  readonly tag: string;
  readonly note?: string;
  /** The justification; makes this a break-glass promotion. */
  readonly breakGlass?: string;
  /** Promotions of the stage to abort once this one exists. Only with `breakGlass`. */
  readonly abort?: readonly string[];
}

/** Answer of `POST /desk/api/promotions`. */
export interface PromotionAnswer {
  readonly promotion: string;
  /** The object that Kargo made. */
  readonly object: unknown;
  readonly aborted: readonly string[];
  /** What did not work although the promotion exists, in words. */
  readonly warnings: readonly string[];
}

/** Answer of `GET /desk/api/gate`: the policies and bindings of the gate, as the recorder saw them. */
export interface GateAnswer {
  /** How many are there. */
  readonly objects: number;
  /** Those that were there and are gone: the gate is not whole. */
  readonly removed: readonly { readonly kind: string; readonly name: string; readonly at: string }[];
  readonly lastChange?: { readonly kind: string; readonly name: string; readonly change: string; readonly at: string };
}

/** Every error of the desk's API. */
export interface ErrorAnswer {
  readonly error: string;
}

/** Filter of the history: parts of the address of the page and of the API alike. Every part narrows it down. */
export type HistoryFilter = Readonly<Partial<Record<(typeof historyFilterFields)[number], string>>>;

export const historyFilterFields = ['stage', 'result', 'id', 'breakGlass', 'text', 'from', 'to'] as const;

export const historyResults = [
  'Pending',
  'Running',
  'Succeeded',
  'Failed',
  'Errored',
  'Aborted',
  'Removed',
  'Denied',
] as const satisfies readonly HistoryResult[];

/** Answer of `GET /desk/api/history`. */
export interface HistoryAnswer {
  /** Where it comes from: the audit log, or, while the recorder is away, what Kargo still has. */
  readonly source: 'audit' | 'kargo';
  /** In words, where something is amiss. */
  readonly warning?: string;
  /** How many entries match. */
  readonly total: number;
  readonly offset: number;
  readonly entries: readonly HistoryEntry[];
}

/** Answer of `GET /desk/api/verify`. */
export interface VerifyAnswer {
  readonly valid: boolean;
  readonly records: number;
  readonly files: number;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly anchors: {
    readonly checked: number;
    readonly newest?: { readonly seq: number; readonly hash: string; readonly at: string };
  };
  /** When it was checked (RFC 3339). */
  readonly checkedAt?: string;
  /** Why the anchors could not be read. */
  readonly anchorsError?: string;
  readonly problems: readonly string[];
  readonly problemCount: number;
}
