import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesBelow } from '../../../tools/write-tree.ts';
import { run } from '../../support/processes.ts';

const program = fileURLToPath(new URL('../../../build/main.cjs', import.meta.url));

test('--system and --out render one system elsewhere, and say what was written', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'synth-'));
  try {
    const result = await run(process.execPath, [program, '--system', 'stonks-oracle', '--out', folder]);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/^stonks-oracle: \d+ files, \d+ objects -> .*\(\d+ changed, 0 removed\)\n\d+ ms\n$/);
    expect(new Set(filesBelow(folder).map((file) => file.split('/')[0]))).toEqual(new Set(['stonks-oracle']));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [['--system', 'stonks'], 'no system is called stonks'],
  [['--sytem', 'stonks-oracle'], "Unknown option '--sytem'"],
])('%j is refused with the usage, exit code 2, nothing written', async (args, message) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'synth-'));
  try {
    const result = await run(process.execPath, [program, ...args, '--out', folder]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(message);
    expect(result.stderr).toContain('usage: npm run synth');
    expect(filesBelow(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
