import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesBelow } from '../../tools/write-tree.ts';
import { output } from '../support/processes.ts';

const program = fileURLToPath(new URL('../../build/main.cjs', import.meta.url));

async function tree(env: Readonly<Record<string, string>>): Promise<Map<string, string>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'synth-'));
  try {
    await output(process.execPath, [program, '--out', folder], { cwd: folder, env: { ...process.env, ...env } });
    return new Map(filesBelow(folder).map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('two synths are byte-identical, in another time zone, language and folder too', async () => {
  const [here, elsewhere] = await Promise.all([
    tree({ TZ: 'America/New_York', LANG: 'C' }),
    tree({ TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }),
  ]);
  expect(here.size).toBeGreaterThan(50);
  expect([...elsewhere.keys()]).toEqual([...here.keys()]);
  for (const [file, text] of here) expect(elsewhere.get(file), file).toBe(text);
});
