import type { HistoryEntry, HistoryPage, HistoryQuery } from '../../../model/audit/history.ts';
import type { DefinitionChanged } from '../../../model/audit/record.ts';
import { problemText, type VerificationReport } from '../../../model/audit/verify.ts';
import type { VerifyAnswer } from '../api/types.ts';

/** What the desk saw and Kargo keeps nothing of. */
export interface Attempt {
  readonly type: 'promotion-denied' | 'break-glass-announced';
  /** The same for the announcement and the refusal of one click. */
  readonly attempt: string;
  readonly project: string;
  readonly stage: string;
  readonly freight: string;
  readonly tag: string;
  readonly actor: string;
  readonly note?: string;
  readonly justification?: string;
  /** Why it was refused; only for `promotion-denied`. */
  readonly reason?: string;
}

/** A record that an object of the gate, or a Stage, appeared, changed or went away. */
export type DefinitionRecord = Pick<DefinitionChanged, 'kind' | 'name' | 'change' | 'at'> & { readonly seq: number };

/** The audit recorder, as the desk uses it. Every call fails while it is away. */
export interface Recorder {
  history(query: HistoryQuery): Promise<HistoryPage>;
  /** One entry; undefined if the log knows none of that name. */
  entry(id: string): Promise<HistoryEntry | undefined>;
  verify(): Promise<VerifyAnswer>;
  /** Changes of the gate's objects and of Stages behind a record's number, in order. */
  definitions(after: number): Promise<readonly DefinitionRecord[]>;
  report(attempt: Attempt): Promise<void>;
}

/**
 * Speaks the recorder's HTTP API inside the cluster.
 *
 * @param url without slash at the end
 */
export function httpRecorder(url: string): Recorder {
  const ask = async (path: string, timeout: number, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`${url}${path}`, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeout) });
    if (response.ok || response.status === 404) return response;
    await response.body?.cancel();
    throw new RecorderError(response.status);
  };
  return {
    async history(query) {
      const parameters = Object.entries(query).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, String(value)]],
      );
      return (await (await ask(`/history?${new URLSearchParams(parameters)}`, 15_000)).json()) as HistoryPage;
    },
    async entry(id) {
      const response = await ask(`/history/${encodeURIComponent(id)}`, 15_000);
      if (response.status !== 404) return (await response.json()) as HistoryEntry;
      await response.body?.cancel();
      return undefined;
    },
    async verify() {
      // A check reads the whole log.
      const report = (await (await ask('/verify', 120_000)).json()) as VerificationReport &
        Pick<VerifyAnswer, 'checkedAt' | 'anchorsError'>;
      return { ...report, problems: report.problems.map(problemText) };
    },
    async definitions(after) {
      const found: DefinitionRecord[] = [];
      for (let from: number | undefined = after + 1; from !== undefined; ) {
        const answer = await ask(`/records?type=definition-changed&limit=10000&from=${from}`, 30_000);
        const page = (await answer.json()) as { records: readonly DefinitionRecord[]; next?: number };
        found.push(...page.records);
        from = page.next;
      }
      return found;
    },
    async report(attempt) {
      const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(attempt) };
      await (await ask('/attempts', 10_000, init)).body?.cancel();
    },
  };
}

/** The recorder answered, but not with what it was asked for. */
export class RecorderError extends Error {
  readonly code: string;

  constructor(status: number) {
    super(`the audit recorder answered with status ${status}`);
    this.name = 'RecorderError';
    this.code = String(status);
  }
}
