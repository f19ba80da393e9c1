import type { ResultsFormat } from '../../model/evidence.ts';

/** What a run of the pipeline is about. */
export interface Run {
  readonly commit: string;
  readonly number: string;
}

export interface Counts {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
}

/** The judgement over one integration test. */
export interface Verdict {
  readonly success: boolean;
  /** One line: why it failed, or what passed. */
  readonly reason: string;
  /** Undefined if the file could not be understood. */
  readonly counts: Counts | undefined;
}

/**
 * Judges an integration test. It succeeds only if the step that ran it left the exit code 0 for this very run, and the
 * results file is about this commit, counts at least one test and no failed one. Whatever is missing, malformed or
 * contradictory is a failure.
 * @param results content of the results file, undefined if there is none
 * @param outcome content of the file with commit, run number and exit code, undefined if there is none
 */
export function judge(
  results: string | undefined,
  outcome: string | undefined,
  format: ResultsFormat,
  run: Run,
): Verdict {
  const read = readCounts(results, format, run);
  const ended = problemOfOutcome(outcome, run);
  if (typeof read === 'string') {
    return { success: false, reason: ended ?? read, counts: undefined };
  }
  const { total, passed, failed } = read;
  const problem =
    (failed > 0 ? `${failed} of ${total} failed` : undefined) ??
    ended ??
    (total === 0 ? 'no test ran' : undefined) ??
    (passed + failed > total ? `the counts contradict each other: ${passed} passed of ${total}` : undefined) ??
    (passed === 0 ? `none of ${total} passed` : undefined);
  return { success: problem === undefined, reason: problem ?? `${passed} of ${total} passed`, counts: read };
}

function problemOfOutcome(outcome: string | undefined, run: Run): string | undefined {
  if (outcome === undefined) {
    return 'the integration test did not end: it left no exit code (skipped, evicted or killed)';
  }
  const [commit, number, code, ...rest] = outcome.trim().split(/\s+/);
  if (code === undefined || rest.length > 0 || !/^\d+$/.test(code)) {
    return 'the exit code of the integration test cannot be read';
  }
  if (commit !== run.commit || number !== run.number) {
    return `the exit code belongs to another run (commit ${commit}, run ${number})`;
  }
  return code === '0' ? undefined : `the integration test ended with exit code ${code}`;
}

function readCounts(results: string | undefined, format: ResultsFormat, run: Run): Counts | string {
  if (results === undefined) {
    return `${format.file} is missing`;
  }
  let document: unknown;
  try {
    document = JSON.parse(results);
  } catch (error) {
    return `${format.file} is no JSON: ${(error as Error).message}`;
  }
  if (format.commit !== undefined) {
    const commit = valueAt(document, format.commit);
    if (commit !== run.commit) {
      return `${format.file} is about commit ${JSON.stringify(commit) ?? 'none'}, not ${run.commit}`;
    }
  }
  const counts: Partial<Record<keyof Counts, number>> = {};
  for (const name of ['total', 'passed', 'failed'] as const) {
    const count = valueAt(document, format[name]);
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) {
      return `${format.file}: "${format[name]}" is ${JSON.stringify(count) ?? 'missing'}, not a count`;
    }
    counts[name] = count;
  }
  return counts as Counts;
}

function valueAt(document: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (node, key) =>
        node !== null && typeof node === 'object' && Object.hasOwn(node, key)
          ? (node as Record<string, unknown>)[key]
          : undefined,
      document,
    );
}
