import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tool } from '../tools.ts';

/** The programs that the scripts call to change anything outside of themselves. */
const programs = ['kubectl', 'helm', 'git', 'curl'] as const;

/** Where the recorder finds what is not among the test tools. */
const systemPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * Programs of the same names, to be put first in PATH: each call is noted with all its arguments, and the call with the number
 * KILL_AT ends the whole script as a power cut would: nothing of it runs on. A helm that changes something is killed
 * in the middle of its work, any other call before it begins. A call that repeats the one before it word for word is a
 * wait that asks again: how often depends on the machine, so it is neither noted nor counted.
 */
export class CallRecorder {
  readonly bin: string;
  readonly #log: string;

  constructor(folder: string) {
    this.bin = path.join(folder, 'recorder');
    this.#log = path.join(folder, 'calls');
    mkdirSync(this.bin, { recursive: true });
    for (const program of programs) {
      const real = program === 'kubectl' || program === 'helm' ? tool(program) : undefined;
      const file = path.join(this.bin, program);
      writeFileSync(file, this.#text(program, real));
      chmodSync(file, 0o755);
    }
    this.clear();
  }

  /** Variables for the script's environment. */
  environment(killAt = 0): Readonly<Record<string, string>> {
    return { PATH: `${this.bin}:${path.dirname(tool('kubectl'))}:${process.env.PATH}`, KILL_AT: String(killAt) };
  }

  clear(): void {
    writeFileSync(this.#log, '');
  }

  /** Each call in one line, with its arguments. */
  calls(): readonly string[] {
    return readFileSync(this.#log, 'utf8').split('\n').filter(Boolean);
  }

  #text(program: string, real: string | undefined): string {
    const find = real === undefined ? `real=$(PATH=${systemPath} command -v ${program})` : `real=${real}`;
    return `#!/bin/bash
mapfile -t calls < '${this.#log}'
call="${program} $*"
line="\${call//$'\\n'/ }"
${find}
if ((\${#calls[@]} > 0)) && [[ \${calls[-1]#* } == "$line" ]]; then exec "$real" "$@"; fi
printf '%s %s\\n' "$EPOCHREALTIME" "$line" >> '${this.#log}'
if ((\${#calls[@]} + 1 == KILL_AT)); then
  case $call in
    'helm '*' upgrade '* | 'helm '*' uninstall '* | 'helm '*' rollback '*)
      "$real" "$@" &
      sleep 0.4
      ;;
  esac
  kill -9 0
fi
exec "$real" "$@"
`;
  }
}
