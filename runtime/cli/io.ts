import type { DateTime } from 'luxon';

/** Everything that the command line touches outside itself; tests put their own in. */
export interface Io {
  /** Results. */
  out(text: string): void;
  /** Remarks and errors. */
  err(text: string): void;
  now(): DateTime;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether somebody can be asked. */
  readonly interactive: boolean;
  /** Asks one question; undefined when the input ends. */
  ask(question: string): Promise<string | undefined>;
  readonly fetch: typeof fetch;
  sleep(milliseconds: number): Promise<void>;
}

export const exitCode = {
  done: 0,
  /** Something failed, or the audit log is not whole. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The gate says no, or the user did. */
  refused: 3,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** An end that the user can understand and do something about. */
export class CliError extends Error {
  readonly code: ExitCode;

  constructor(message: string, code: ExitCode = exitCode.failed) {
    super(message);
    this.name = 'CliError';
    this.code = code;
  }
}
