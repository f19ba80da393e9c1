import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Finished, run } from './processes.ts';

/** A folder in which a shipped script runs for a test, with stand-ins for the programs that it calls. */
export interface ShellFolder {
  readonly path: string;
  /** Makes a program that is found before the real one. */
  standIn(name: string, script: string): void;
  /** Runs a script text. */
  sh(
    script: string,
    args?: readonly string[],
    environment?: Readonly<Record<string, string>>,
    shell?: 'sh' | 'bash',
  ): Promise<Finished>;
  /** An environment in which the stand-ins are found first. */
  environment(more?: Readonly<Record<string, string>>): NodeJS.ProcessEnv;
  remove(): void;
}

export function shellFolder(): ShellFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'script-'));
  const programs = path.join(folder, '.programs');
  mkdirSync(programs);
  const environment: ShellFolder['environment'] = (more = {}) => ({
    ...process.env,
    PATH: `${programs}:${process.env.PATH}`,
    ...more,
  });
  let scripts = 0;
  return {
    path: folder,
    environment,
    standIn(name, script) {
      const file = path.join(programs, name);
      writeFileSync(file, `#!/bin/sh\n${script}\n`);
      chmodSync(file, 0o755);
    },
    sh(script, args = [], more = {}, shell = 'sh') {
      const file = path.join(programs, `script-${scripts++}.txt`);
      writeFileSync(file, script);
      return run(shell, [file, ...args], { env: environment(more), cwd: folder });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
