import { type FileHandle, mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { emptyHead, headOf, type SealedRecord, seal } from '../../model/audit/chain.ts';
import { History } from '../../model/audit/history.ts';
import { parseLine } from '../../model/audit/parse.ts';
import type {
  Anchor,
  AuditFact,
  AuditRecord,
  AuditType,
  ChainHead,
  DefinitionChanged,
} from '../../model/audit/record.ts';
import {
  auditFileName,
  type ChainProblem,
  ChainVerifier,
  firstSeqOf,
  problemText,
  type VerificationReport,
} from '../../model/audit/verify.ts';
import { explained, syncFolder, writeFileAtomically } from '../files/atomic.ts';

export interface AuditLogOptions {
  /** Folder of the log; made if missing. */
  readonly folder: string;
  /** A file that has reached this size is closed and the next one begun. @default 16 MiB */
  readonly rotateBytes?: number;
  /** Clock for recordedAt. @default the system's */
  readonly now?: () => Date;
  /** Told about repairs, in words. */
  readonly onRepair?: (message: string) => void;
}

/** What the log says about one object whose definition is recorded. */
export interface RecordedDefinition {
  readonly digest: string;
  readonly seq: number;
}

/** What is known from the records; rebuilt whenever the files are read. */
interface Known {
  readonly keys: Map<string, number>;
  readonly history: History;
  readonly definitions: Map<string, RecordedDefinition>;
  readonly counts: Map<AuditType, number>;
  readonly breakGlass: Map<string, number>;
  head: ChainHead;
}

/** The file that is written to. */
interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly inode: number;
  size: number;
}

const readSize = 1 << 20;

/**
 * The audit log on its volume: append-only files of hash-chained lines. Every append is flushed to the disk before it
 * counts. After any failure, and whenever somebody else touched the file, everything is read again before the next
 * append: what the disk holds decides, never what was meant to be written.
 */
export class AuditLog {
  private readonly options: AuditLogOptions;
  private known: Known | undefined;
  private file: OpenFile | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private readonly listeners = new Set<(record: AuditRecord) => void>();

  constructor(options: AuditLogOptions) {
    this.options = options;
  }

  get folder(): string {
    return this.options.folder;
  }
  get head(): ChainHead {
    return this.known?.head ?? emptyHead;
  }
  /** False before the files were read for the first time. */
  get loaded(): boolean {
    return this.known !== undefined;
  }
  get history(): History {
    return this.known?.history ?? new History();
  }
  /** Number of the record that holds this fact. */
  seqOf(key: string): number | undefined {
    return this.known?.keys.get(key);
  }
  definition(kind: string, name: string): RecordedDefinition | undefined {
    return this.known?.definitions.get(`${kind}/${name}`);
  }
  definitionNames(kind: string): string[] {
    return [...(this.known?.definitions ?? [])]
      .filter(([name, state]) => name.startsWith(`${kind}/`) && state.digest !== '')
      .map(([name]) => name.slice(kind.length + 1));
  }
  get counts(): ReadonlyMap<AuditType, number> {
    return this.known?.counts ?? new Map();
  }
  /** Uses of break-glass by stage. */
  get breakGlass(): ReadonlyMap<string, number> {
    return this.known?.breakGlass ?? new Map();
  }

  /** Called for every record once it is on the disk. */
  onAppend(listener: (record: AuditRecord) => void): void {
    this.listeners.add(listener);
  }

  /**
   * Reads and checks the files, repairs a last line whose writing was interrupted, and notes other damage in the chain
   * itself, once.
   * @throws Error if the folder can't be read
   */
  load(): Promise<void> {
    return this.exclusive(() => this.reload());
  }

  /**
   * Appends the facts that are not recorded yet, in order, and flushes them to the disk.
   *
   * @param mayWrite asked immediately before the write; throws if this process must not write (any more)
   * @returns the records made now
   * @throws Error if they could not be written for certain; offer the same facts again
   */
  append(facts: readonly AuditFact[], mayWrite: () => void = () => undefined): Promise<readonly AuditRecord[]> {
    return this.exclusive(async () => {
      if (!this.file || (await this.touchedByOthers(this.file))) await this.reload();
      mayWrite();
      return this.write(facts);
    });
  }

  /** Checks the whole log from the disk; appends wait meanwhile only while they have nothing to do with it. */
  async verify(anchors: readonly Anchor[] = []): Promise<VerificationReport> {
    // The end is fixed first: lines that are appended during the check belong to the next one.
    const end = await this.exclusive(async () => ({ path: this.file?.path, size: this.file?.size }));
    const verifier = new ChainVerifier({ anchors });
    for (const name of await this.fileNames()) {
      verifier.startFile(name);
      const file = path.join(this.folder, name);
      for await (const chunk of pieces(file, file === end.path ? end.size : undefined)) verifier.push(chunk);
      if (file === end.path) break;
    }
    return verifier.finish();
  }

  /** The log's lines as they stand on the disk, from the record with this number on. */
  async *raw(fromSeq = 1): AsyncGenerator<Uint8Array, void, undefined> {
    const end = await this.exclusive(async () => ({ path: this.file?.path, size: this.file?.size }));
    const names = await this.fileNames();
    const first = names.findLastIndex((name) => (firstSeqOf(name) ?? 0) <= fromSeq);
    for (const name of names.slice(Math.max(first, 0))) {
      const file = path.join(this.folder, name);
      yield* pieces(file, file === end.path ? end.size : undefined);
      if (file === end.path) return;
    }
  }

  /** The readable records from this number on. */
  async *records(fromSeq = 1): AsyncGenerator<AuditRecord, void, undefined> {
    let rest: Uint8Array = new Uint8Array(0);
    for await (const chunk of this.raw(fromSeq)) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
        const parsed = parseLine(bytes.subarray(start, end));
        if (parsed.ok && parsed.record.seq >= fromSeq) yield parsed.record;
        start = end + 1;
      }
      rest = bytes.subarray(start);
    }
  }

  /** Names of the files, in the order of the chain. */
  async fileNames(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw explained(error, this.folder);
    });
    return names.filter((name) => firstSeqOf(name) !== undefined).sort();
  }

  async close(): Promise<void> {
    await this.exclusive(() => this.closeFile());
  }

  /** One operation on the files at a time. */
  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async closeFile(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.handle.close().catch(() => undefined);
  }

  private async touchedByOthers(file: OpenFile): Promise<boolean> {
    try {
      const found = await stat(file.path);
      return found.ino !== file.inode || found.size !== file.size;
    } catch {
      return true;
    }
  }

  private async reload(): Promise<void> {
    await this.closeFile();
    const before = this.head;
    await mkdir(this.folder, { recursive: true, mode: 0o750 }).catch((error: unknown) => {
      throw explained(error, this.folder);
    });
    const names = await this.fileNames();
    const last = names.at(-1);
    if (last !== undefined) await this.repairTail(path.join(this.folder, last));

    const known: Known = {
      keys: new Map(),
      history: new History(),
      definitions: new Map(),
      counts: new Map(),
      breakGlass: new Map(),
      head: emptyHead,
    };
    const verifier = new ChainVerifier({ onRecord: (record) => learn(known, record) });
    for (const name of names) {
      verifier.startFile(name);
      for await (const chunk of pieces(path.join(this.folder, name))) verifier.push(chunk);
    }
    const report = verifier.finish();
    // A last line that can't be read has no hash; the next one then follows nothing, and the verifier says so for ever.
    known.head = report.head.hash === '' ? { seq: report.head.seq, hash: emptyHead.hash } : report.head;

    let file = last === undefined ? undefined : await openFile(path.join(this.folder, last));
    if (file?.size === 0 && firstSeqOf(last ?? '') !== known.head.seq + 1) {
      // Left by a rotation that was interrupted before a record came.
      await file.handle.close();
      await rm(file.path);
      file = undefined;
      const previous = names.at(-2);
      if (previous !== undefined) file = await openFile(path.join(this.folder, previous));
    }
    this.known = known;
    this.file = file ?? (await this.startFile());
    await this.noteDamage(report.problems, before);
  }

  /** Completes or cuts off a line whose writing was interrupted. What is cut off is kept beside the log. */
  private async repairTail(file: string): Promise<void> {
    const { tail, size } = await tailOf(file);
    if (tail.length === 0) return;
    const parsed = parseLine(tail);
    const handle = await open(file, 'r+');
    try {
      if (parsed.ok && !parsed.altered) {
        await handle.write('\n', size);
        this.options.onRepair?.(`${path.basename(file)}: the newline of the last line was missing and is there now`);
      } else {
        const kept = path.join(this.folder, `torn-${path.basename(file, '.jsonl')}-${size - tail.length}.txt`);
        // The disk may be full: then the remains are given up, the log is not.
        await writeFileAtomically(kept, tail).catch(() => undefined);
        await handle.truncate(size - tail.length);
        this.options.onRepair?.(
          `${path.basename(file)}: a last line of ${tail.length} bytes was cut off, its writing had been interrupted`,
        );
      }
      await handle.sync();
    } catch (error) {
      throw explained(error, file);
    } finally {
      await handle.close();
    }
  }

  /** Damage is a fact too. Noted once, however often the log is read. */
  private async noteDamage(problems: readonly ChainProblem[], before: ChainHead): Promise<void> {
    const notes = problems
      .filter((problem) => problem.kind !== 'torn')
      .map((problem) => ({
        id: `${problem.kind}/${problem.seq ?? `${problem.file}:${problem.line}`}`,
        text: problemText(problem),
      }));
    if (this.head.seq < before.seq) {
      const lost = `records ${this.head.seq + 1} to ${before.seq} vanished from the volume while the recorder ran`;
      notes.push({ id: `vanished/${before.hash}`, text: lost });
    }
    const at = this.now();
    const facts = notes.map(
      ({ id, text }): AuditFact => ({
        type: 'chain-broken',
        key: `chain-broken/${id}`,
        at,
        project: '',
        problem: text,
      }),
    );
    // Reading alone must work on a volume that can't be written.
    if (facts.length > 0) await this.write(facts).catch(() => undefined);
  }

  private async startFile(): Promise<OpenFile> {
    const file = path.join(this.folder, auditFileName(this.head.seq + 1));
    try {
      const handle = await open(file, 'a', 0o640);
      await handle.close();
      await syncFolder(this.folder);
    } catch (error) {
      throw explained(error, file);
    }
    return openFile(file);
  }

  private async write(facts: readonly AuditFact[]): Promise<readonly AuditRecord[]> {
    const known = this.known!;
    const made: SealedRecord[] = [];
    const keys = new Set<string>();
    let { head } = known;
    for (const fact of facts) {
      if (known.keys.has(fact.key) || keys.has(fact.key)) continue;
      keys.add(fact.key);
      const sealed = seal(fact, head, this.now());
      head = headOf(sealed.record);
      made.push(sealed);
    }
    if (made.length === 0) return [];
    if (!this.file) throw new Error(`${this.folder}: the log cannot be written; see the messages before`);
    try {
      if (this.file.size >= (this.options.rotateBytes ?? 16 * 2 ** 20)) {
        await this.closeFile();
        this.file = await this.startFile();
      }
      const { file } = this;
      const bytes = Buffer.from(made.map(({ line }) => `${line}\n`).join(''));
      await writeWhole(file, bytes);
      await file.handle.sync();
      file.size += bytes.length;
    } catch (error) {
      // How much of it is on the disk is not known: take back what can be taken back, and read again before the next append.
      const { file } = this;
      if (file) await truncate(file.path, file.size).catch(() => undefined);
      await this.closeFile();
      throw explained(error, file?.path ?? this.folder);
    }
    const records = made.map(({ record }) => record);
    for (const record of records) learn(known, record);
    known.head = head;
    for (const record of records) for (const listener of this.listeners) listener(record);
    return records;
  }

  private now(): string {
    return (this.options.now?.() ?? new Date()).toISOString();
  }
}

function learn(known: Known, record: AuditRecord): void {
  known.keys.set(record.key, record.seq);
  known.history.add(record);
  known.counts.set(record.type, (known.counts.get(record.type) ?? 0) + 1);
  if (record.type === 'break-glass') known.breakGlass.set(record.stage, (known.breakGlass.get(record.stage) ?? 0) + 1);
  if (record.type === 'definition-changed') learnDefinition(known, record);
}

function learnDefinition(known: Known, record: DefinitionChanged & { readonly seq: number }): void {
  known.definitions.set(`${record.kind}/${record.name}`, { digest: record.digest, seq: record.seq });
}

async function openFile(file: string): Promise<OpenFile> {
  try {
    const handle = await open(file, 'r+');
    const { ino, size } = await handle.stat();
    return { path: file, handle, inode: ino, size };
  } catch (error) {
    throw explained(error, file);
  }
}

async function writeWhole(file: OpenFile, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.handle.write(bytes, done, bytes.length - done, file.size + done);
    done += bytesWritten;
  }
}

/** The bytes behind the last newline. A line is at most a few KiB; more than 1 MiB without a newline is cut off as a whole. */
async function tailOf(file: string): Promise<{ tail: Buffer; size: number }> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw explained(error, file);
  });
  try {
    const { size } = await handle.stat();
    let tail = Buffer.alloc(0);
    for (let position = size; position > 0; ) {
      const length = Math.min(position, 64 * 1024);
      position -= length;
      const piece = Buffer.alloc(length);
      await handle.read(piece, 0, length, position);
      const newline = piece.lastIndexOf(10);
      if (newline !== -1) return { tail: Buffer.concat([piece.subarray(newline + 1), tail]), size };
      tail = Buffer.concat([piece, tail]);
    }
    return { tail, size };
  } finally {
    await handle.close();
  }
}

/** A file piece by piece, up to `end` bytes. */
async function* pieces(file: string, end = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw explained(error, file);
  });
  try {
    const size = Math.min(end, (await handle.stat()).size);
    for (let position = 0; position < size; ) {
      const piece = Buffer.allocUnsafe(Math.min(readSize, size - position));
      const { bytesRead } = await handle.read(piece, 0, piece.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
