import { emptyHead, headOf } from './chain.ts';
import { parseLine } from './parse.ts';
import type { Anchor, AuditRecord, ChainHead } from './record.ts';

/**
 * - `malformed`: not a line of the log. `altered`: changed after it was written. `replaced`: does not follow the line
 *   before it (one of the two was written anew). `removed`: lines are missing. `inserted`: a line too many.
 *   `reordered`: a line at the wrong place. `repeated`: the same fact twice. `misnamed`: a file does not start where its
 *   name says. `torn`: the last line has no newline. `rewritten`: differs from what was anchored outside.
 *   `truncated`: the log ends before an anchored record.
 */
export type ChainProblemKind =
  | 'malformed'
  | 'altered'
  | 'replaced'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'repeated'
  | 'misnamed'
  | 'torn'
  | 'rewritten'
  | 'truncated';

export interface ChainProblem {
  readonly kind: ChainProblemKind;
  /** File and line number, where there is one. */
  readonly file?: string;
  readonly line?: number;
  readonly seq?: number;
  /** In words. */
  readonly problem: string;
}

export interface VerificationReport {
  readonly valid: boolean;
  /** Lines read. */
  readonly records: number;
  readonly files: number;
  readonly head: ChainHead;
  /** Anchors compared, and the newest of them. Without anchors a log that was cut or rewritten as a whole looks valid. */
  readonly anchors: { readonly checked: number; readonly newest?: Anchor };
  /** The first problems, in the order in which they were found. */
  readonly problems: readonly ChainProblem[];
  /** All of them, also those beyond the list's limit. */
  readonly problemCount: number;
}

export interface VerifyOptions {
  /** Heads that were written outside the volume. */
  readonly anchors?: readonly Anchor[];
  /** How many problems are listed (all are counted). @default 100 */
  readonly problemLimit?: number;
  /** Called for every line whose own hash is right. */
  readonly onRecord?: (record: AuditRecord) => void;
}

/** Name of the file whose first record has this number. Names sort in the order of the chain. */
export function auditFileName(firstSeq: number): string {
  return `audit-${String(firstSeq).padStart(12, '0')}.jsonl`;
}

const fileNamePattern = /^audit-(\d{12})\.jsonl$/;

/** Number of the first record by the file's name; undefined for a file that is not part of the log. */
export function firstSeqOf(fileName: string): number | undefined {
  const digits = fileNamePattern.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const newline = 0x0a;

/** Checks the log piece by piece, so that a log of any size needs little memory. */
export class ChainVerifier {
  private readonly problems: ChainProblem[] = [];
  private problemCount = 0;
  private readonly anchors: ReadonlyMap<number, readonly Anchor[]>;
  private readonly options: VerifyOptions;
  private readonly keys = new Set<string>();
  private readonly missing = new Set<number>();
  private anchorsChecked = 0;
  private newestAnchor: Anchor | undefined;
  private records = 0;
  private files = 0;
  private head: ChainHead = emptyHead;
  private file: string | undefined;
  private lineNumber = 0;
  private rest: Uint8Array = new Uint8Array(0);
  /** False after a line that could not be read: the next line can't be compared with it. */
  private linkKnown = true;

  constructor(options: VerifyOptions = {}) {
    this.options = options;
    const anchors = new Map<number, Anchor[]>();
    for (const anchor of options.anchors ?? []) anchors.set(anchor.seq, [...(anchors.get(anchor.seq) ?? []), anchor]);
    this.anchors = anchors;
  }

  /** The following bytes come from this file. Files are given in the order of their names. */
  startFile(name: string): void {
    this.endFile();
    this.file = name;
    this.files += 1;
    this.lineNumber = 0;
  }

  /** Any piece of the file, cut anywhere. */
  push(chunk: Uint8Array): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(newline, start); end !== -1; end = bytes.indexOf(newline, start)) {
      this.line(bytes.subarray(start, end));
      start = end + 1;
    }
    this.rest = bytes.subarray(start);
  }

  finish(): VerificationReport {
    this.endFile();
    this.reportMissing();
    for (const [seq, anchors] of this.anchors) {
      if (seq <= this.head.seq) continue;
      const at = anchors[0]?.at;
      this.report({
        kind: 'truncated',
        seq,
        problem: `record ${seq} was anchored at ${at}, and the log ends at ${this.head.seq}`,
      });
    }
    return {
      valid: this.problemCount === 0,
      records: this.records,
      files: this.files,
      head: this.head,
      anchors: { checked: this.anchorsChecked, newest: this.newestAnchor },
      problems: this.problems,
      problemCount: this.problemCount,
    };
  }

  private endFile(): void {
    if (this.rest.length > 0) {
      this.lineNumber += 1;
      this.here('torn', 'the last line has no newline: its writing was interrupted');
      this.rest = new Uint8Array(0);
      this.linkKnown = false;
    }
    this.file = undefined;
  }

  private line(bytes: Uint8Array): void {
    this.lineNumber += 1;
    this.records += 1;
    const parsed = parseLine(bytes);
    if (!parsed.ok) {
      this.here('malformed', parsed.problem);
      this.takePlace('');
      return;
    }
    const { record } = parsed;
    if (parsed.altered) {
      this.here('altered', 'its bytes do not have its hash', this.head.seq + 1);
      this.takePlace(record.hash);
      return;
    }
    if (this.lineNumber === 1) this.checkFileName(record);
    this.checkPlace(record);
    this.checkAnchors(record);
    if (this.keys.has(record.key)) this.here('repeated', `the fact ${record.key} is recorded twice`, record.seq);
    this.keys.add(record.key);
    this.options.onRecord?.(record);
  }

  /** A line whose content can't be trusted still stands for one record. */
  private takePlace(hash: string): void {
    this.head = { seq: this.head.seq + 1, hash };
    this.linkKnown = false;
  }

  private checkFileName(record: AuditRecord): void {
    const expected = this.file === undefined ? undefined : firstSeqOf(this.file);
    if (expected !== undefined && expected !== record.seq) {
      this.here('misnamed', `the file starts with record ${record.seq}, its name says ${expected}`, record.seq);
    }
  }

  private checkPlace(record: AuditRecord): void {
    const expected = this.head.seq + 1;
    if (record.seq < expected) {
      if (this.missing.delete(record.seq))
        this.here('reordered', `record ${record.seq} stands behind ${this.head.seq}`, record.seq);
      else this.here('inserted', `record ${record.seq} is there a second time`, record.seq);
      this.linkKnown = false;
      return;
    }
    if (record.seq > expected) {
      // A gap that is too large to be real is one problem, not a list of a billion numbers.
      if (record.seq - expected > 1_000_000) {
        this.here('removed', `records ${expected} to ${record.seq - 1} are missing`, expected);
      } else {
        for (let seq = expected; seq < record.seq; seq += 1) this.missing.add(seq);
      }
    } else if (this.linkKnown && record.previous !== this.head.hash) {
      this.here('replaced', 'it does not follow the line before it: one of the two was written anew', record.seq);
    }
    this.head = headOf(record);
    this.linkKnown = true;
  }

  private checkAnchors(record: AuditRecord): void {
    for (const anchor of this.anchors.get(record.seq) ?? []) {
      this.anchorsChecked += 1;
      if (!this.newestAnchor || anchor.seq >= this.newestAnchor.seq) this.newestAnchor = anchor;
      if (anchor.hash !== record.hash) {
        this.here('rewritten', `it differs from what was anchored at ${anchor.at}`, record.seq);
      }
    }
  }

  private reportMissing(): void {
    const numbers = [...this.missing].sort((a, b) => a - b);
    for (let index = 0; index < numbers.length; ) {
      const first = numbers[index]!;
      let last = first;
      while (numbers[index + 1] === last + 1) {
        index += 1;
        last = numbers[index]!;
      }
      index += 1;
      const what = first === last ? `record ${first} is` : `records ${first} to ${last} are`;
      this.report({ kind: 'removed', seq: first, problem: `${what} missing` });
    }
  }

  private here(kind: ChainProblemKind, problem: string, seq?: number): void {
    this.report({ kind, file: this.file, line: this.lineNumber, seq, problem });
  }

  private report(problem: ChainProblem): void {
    this.problemCount += 1;
    if (this.problems.length < (this.options.problemLimit ?? 100)) this.problems.push(problem);
  }
}

/** Checks whole files (for tests and small logs). */
export function verifyFiles(
  files: readonly { readonly name: string; readonly content: Uint8Array | string }[],
  options: VerifyOptions = {},
): VerificationReport {
  const verifier = new ChainVerifier(options);
  for (const file of files) {
    verifier.startFile(file.name);
    verifier.push(typeof file.content === 'string' ? Buffer.from(file.content) : file.content);
  }
  return verifier.finish();
}

/** A problem as one line of text: `audit-000000000001.jsonl:12 (record 12): altered: ...`. */
export function problemText(problem: ChainProblem): string {
  const place = problem.file ? `${problem.file}:${problem.line} ` : '';
  const seq = problem.seq ? `(record ${problem.seq}) ` : '';
  return `${place}${seq}${problem.kind}: ${problem.problem}`;
}
