import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { PromotionDesk } from '../../../constructs/desk/index.ts';
import { programLimit } from '../../../constructs/program/index.ts';
import { chain } from '../../support/desk/world.ts';

const build = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../build');
const files = {
  'desk.cjs': path.join(build, 'runtime/desk.cjs'),
  'desk-page.js': path.join(build, 'browser/desk-page.js'),
  'desk-dashboard.js': path.join(build, 'browser/desk-dashboard.js'),
};

test('the bundle runs from one folder, as its ConfigMap is mounted, serves, and ends when told to', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'desk-program-'));
  for (const [name, from] of Object.entries(files)) copyFileSync(from, path.join(folder, name));
  const settings = { project: 'stonks-pipeline', stages: chain, kargoUrl: 'http://127.0.0.1:9' };
  writeFileSync(path.join(folder, 'settings.json'), JSON.stringify(settings));
  const child = spawn(process.execPath, [
    path.join(folder, 'desk.cjs'),
    'serve',
    '--settings',
    path.join(folder, 'settings.json'),
    '--host',
    '127.0.0.1',
    '--port',
    '0',
  ]);
  try {
    let output = '';
    child.stderr.on('data', (data) => {
      output += data;
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { message, port } = JSON.parse(line.toString()) as { message: string; port: number };
    expect(message).toBe('the desk listens');
    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${url}/desk/healthz`)).text()).toBe('ok');
    const page = await (await fetch(`${url}/desk/`)).text();
    const script = /src="([^"]+)"/.exec(page)?.[1];
    expect(await (await fetch(`${url}${script}`)).text()).toBe(readFileSync(files['desk-page.js'], 'utf8'));
    expect((await fetch(`${url}/project/x`)).status).toBe(502);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number];
    expect({ code, output }).toEqual({ code: 0, output: '' });
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('program, page and dashboard script fit into one ConfigMap', () => {
  const text = (file: keyof typeof files) => readFileSync(files[file], 'utf8');
  const desk = new PromotionDesk(new SystemOutput('demo').chart('desk', { namespace: 'kargo' }), 'Desk', {
    host: 'kargo.example.org',
    project: 'stonks-pipeline',
    stages: chain,
    program: text('desk.cjs'),
    browserCode: { page: text('desk-page.js'), dashboard: text('desk-dashboard.js') },
    image: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm-slim' },
  });
  expect(desk.programBytes).toBeGreaterThan(500 * 1024);
  expect(desk.programBytes).toBeLessThan(programLimit);
});

test('without a settings file the program says how it is called', async () => {
  const child = spawn(process.execPath, [files['desk.cjs'], 'serve']);
  const text = once(child.stderr, 'data');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(2);
  expect(String((await text)[0])).toContain('usage: desk serve --settings FILE');
});
