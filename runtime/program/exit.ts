/** An end that the program expects and explains; `code` is its exit code. */
export class ProgramEnd extends Error {
  override readonly name = 'ProgramEnd';
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Exit codes of the programs `state` and `forge-setup`. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  /** It would have destroyed something, or something that must be off is on. */
  refused: 3,
  /** There is no snapshot to work with. */
  noSnapshot: 4,
  /** The snapshot lacks something known to exist. */
  incomplete: 5,
  /** A checksum, a seal or a comparison does not agree. */
  damaged: 6,
} as const;

/** Runs a program's main function: errors become one readable line on stderr and an exit code. */
export async function runProgram(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const expected = error instanceof ProgramEnd;
    const message = error instanceof Error ? error.message : String(error);
    console.error(`${name}: ${message}`);
    if (!expected && process.env.DEBUG && error instanceof Error) console.error(error.stack);
    process.exitCode = expected ? error.code : exitCode.failed;
  }
}
