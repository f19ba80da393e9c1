import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fileText, renderedFiles } from '../../support/rendered.ts';
import { tool } from '../../support/tools.ts';

const files = renderedFiles('stonks-oracle-arc');

function lint(workflow: string, configuration: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'actionlint-'));
  const file = path.join(folder, 'actionlint.yaml');
  writeFileSync(file, configuration);
  const result = spawnSync(tool('actionlint'), ['-no-color', '-oneline', '-config-file', file, '-'], {
    encoding: 'utf8',
    input: workflow,
  });
  rmSync(folder, { recursive: true });
  return `${result.stdout}${result.stderr}`;
}

const workflow = fileText(files, 'repo/.github/workflows/ci.yml');

test('actionlint accepts the rendered workflow with the rendered list of own runners', () => {
  expect(lint(workflow, fileText(files, 'repo/.github/actionlint.yaml'))).toBe('');
});

test('actionlint would find a runner that is in no list', () => {
  expect(lint(workflow, 'self-hosted-runner: { labels: [] }\n')).toContain('label "self-hosted-gremlin" is unknown');
});

test('every action is pinned by its whole commit', () => {
  const uses = workflow.match(/\buses: \S+/g) ?? [];
  expect(uses.length).toBeGreaterThan(10);
  expect(uses.filter((use) => !/@[0-9a-f]{40}$/.test(use))).toEqual([]);
});
