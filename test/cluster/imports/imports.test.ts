import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crdFolder } from '../../support/plane.ts';
import { output } from '../../support/processes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'imports-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function generated(from: string): Promise<Map<string, string>> {
  const out = mkdtempSync(path.join(folder, 'out-'));
  await output(process.execPath, ['tools/run.mjs', 'tools/import.ts', '--from', from, '--out', out]);
  return new Map(readdirSync(out).map((file) => [file, readFileSync(path.join(out, file), 'utf8')]));
}

test('the classes are what the definitions give, byte for byte', async () => {
  const files = await generated(crdFolder);
  expect(files.size).toBeGreaterThan(3);
  for (const [file, text] of files) expect(readFileSync(path.join('imports', file), 'utf8'), file).toBe(text);
});

test('doc strings of a definition change nothing: upstream files and stripped copies give the same', async () => {
  const copy = path.join(folder, 'crds');
  cpSync(crdFolder, copy, { recursive: true });
  const stage = path.join(copy, 'kargo/kargo.akuity.io_stages.yaml');
  const text = readFileSync(stage, 'utf8');
  const documented = text.replaceAll(
    /^( +)type: object$/gm,
    '$1description: Words that upstream writes here.\n$1type: object',
  );
  expect(documented).not.toBe(text);
  rmSync(stage, { force: true });
  writeFileSync(stage, documented);
  const files = await generated(copy);
  expect(files.get('kargo.akuity.io.ts')).toBe(readFileSync('imports/kargo.akuity.io.ts', 'utf8'));
});
