import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DateTime } from 'luxon';
import type { Io } from './io.ts';
import { runCli } from './program.ts';

const io: Io = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  now: () => DateTime.now(),
  env: process.env,
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  async ask(question) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await new Promise<string | undefined>((resolve) => {
        lines.once('close', () => resolve(undefined));
        void lines.question(question).then(resolve);
      });
    } finally {
      lines.close();
    }
  },
  fetch,
  sleep: (milliseconds) => delay(milliseconds),
};

// Whoever reads only the first lines (`| head`) ends the program, not with a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

void runCli(process.argv.slice(2), io).then((code) => {
  process.exitCode = code;
});
