import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Change } from './plan.ts';
import type { Checkout } from './repository.ts';

/** The changes as a diff that `git apply` understands. */
export function diffOf(changes: readonly Change[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'migration-'));
  try {
    for (const side of ['a', 'b']) {
      mkdirSync(path.join(folder, side));
    }
    for (const change of changes) {
      for (const [side, text] of [
        ['a', change.before],
        ['b', change.after],
      ] as const) {
        if (text !== undefined) {
          const file = path.join(folder, side, change.path);
          mkdirSync(path.dirname(file), { recursive: true });
          writeFileSync(file, text);
          chmodSync(file, side === 'b' && change.executable ? 0o755 : 0o644);
        }
      }
    }
    const result = spawnSync('git', ['diff', '--no-index', '--no-prefix', '--no-color', '--no-ext-diff', 'a', 'b'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (result.status !== 0 && result.status !== 1) {
      throw new Error(`git diff failed: ${result.stderr || result.error?.message}`);
    }
    return result.stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the changes, each file whole or not at all; folders that get empty go. */
export function applyChanges(checkout: Checkout, changes: readonly Change[]): void {
  for (const { path: relative, after, executable } of changes) {
    const file = path.join(checkout.root, relative);
    if (after === undefined) {
      rmSync(file);
      removeEmptyFolders(checkout, path.dirname(relative));
    } else {
      mkdirSync(path.dirname(file), { recursive: true });
      writeWhole(file, after, executable ? 0o755 : 0o644);
    }
  }
}

function writeWhole(file: string, content: string, mode: number): void {
  const temporary = `${file}.new`;
  const handle = openSync(temporary, 'w', mode);
  writeSync(handle, content);
  fsyncSync(handle);
  closeSync(handle);
  chmodSync(temporary, mode);
  renameSync(temporary, file);
}

function removeEmptyFolders(checkout: Checkout, folder: string): void {
  if (folder === '.' || checkout.filesBelow(folder).length > 0) {
    return;
  }
  rmSync(path.join(checkout.root, folder), { recursive: true });
  removeEmptyFolders(checkout, path.dirname(folder));
}

/** Name of the branch that is checked out, for the message at the end. */
export function currentBranch(checkout: Checkout): string {
  return execFileSync('git', ['-C', checkout.root, 'branch', '--show-current'], { encoding: 'utf8' }).trim();
}
