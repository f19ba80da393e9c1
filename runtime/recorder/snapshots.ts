import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';

/** Takes one snapshot of Kargo's state. @throws Error in words */
export type TakeSnapshot = (signal: AbortSignal) => Promise<void>;

export interface SnapshotCommand {
  /** Program and arguments. It inherits this process's environment. */
  readonly command: readonly string[];
  /** Seconds until it is ended. @default 600 */
  readonly timeoutSeconds?: number;
}

/** Runs the state program. */
export function snapshotByCommand(options: SnapshotCommand): TakeSnapshot {
  const [program, ...args] = options.command;
  if (program === undefined) throw new Error('the snapshot command is empty');
  return (signal) =>
    new Promise((resolve, reject) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout((options.timeoutSeconds ?? 600) * 1000)]);
      const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'], signal: limit });
      let words = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        process.stderr.write(text);
        words = (words + text).slice(-500);
      });
      child.once('error', (error) =>
        reject(new Error(limit.aborted ? 'the snapshot took too long or was stopped' : error.message)),
      );
      child.once('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`the snapshot failed (exit ${code}): ${words.trim()}`)),
      );
    });
}

/** When the latest snapshot in a folder of the state program was made; undefined while there is none. */
export function latestSnapshotIn(folder: string): () => Promise<Date | undefined> {
  return async () => {
    try {
      return (await stat(path.join(folder, 'latest'))).mtime;
    } catch {
      return undefined;
    }
  };
}

export interface SnapshotScheduleOptions {
  readonly take: TakeSnapshot;
  /** Minutes between snapshots while something changes. */
  readonly everyMinutes: number;
  /** Minutes after which one is taken although nothing changed. @default 1440 */
  readonly atLeastEveryMinutes?: number;
  /** Monotonic clock in milliseconds. */
  readonly clock?: () => number;
}

/** Decides when a snapshot is due: soon after a change, never more often than every N minutes, at least once a day. */
export class SnapshotSchedule {
  private readonly options: SnapshotScheduleOptions;
  private readonly clock: () => number;
  private lastStart = Number.NEGATIVE_INFINITY;
  private changed = true;
  private running: Promise<void> | undefined;
  failures = 0;
  /** Wall-clock time of the last good one. */
  lastSuccess: Date | undefined;
  lastError: string | undefined;

  constructor(options: SnapshotScheduleOptions) {
    this.options = options;
    this.clock = options.clock ?? (() => performance.now());
  }

  /** Something worth a snapshot happened. */
  noteChange(): void {
    this.changed = true;
  }

  get due(): boolean {
    const age = (this.clock() - this.lastStart) / 60_000;
    return age >= (this.options.atLeastEveryMinutes ?? 1440) || (this.changed && age >= this.options.everyMinutes);
  }

  /** Takes one if it is due. A failed one stays due after the same pause. */
  async tick(signal: AbortSignal): Promise<void> {
    if (this.running || !this.due) return;
    await this.takeNow(signal);
  }

  async takeNow(signal: AbortSignal): Promise<void> {
    this.running ??= this.run(signal).finally(() => {
      this.running = undefined;
    });
    await this.running;
  }

  private async run(signal: AbortSignal): Promise<void> {
    this.lastStart = this.clock();
    this.changed = false;
    try {
      await this.options.take(signal);
      this.lastSuccess = new Date();
      this.lastError = undefined;
    } catch (error) {
      this.changed = true;
      this.failures += 1;
      this.lastError = (error as Error).message;
      throw error;
    }
  }
}
