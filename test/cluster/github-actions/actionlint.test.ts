import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { lintConfiguration } from '../../../constructs/github-actions/index.ts';
import { everything, sampleGithub } from '../../support/github-actions/sample.ts';
import { tool } from '../../support/tools.ts';

/** What actionlint says, with shellcheck for the embedded shell. */
function lint(text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'actionlint-'));
  const configuration = path.join(folder, 'actionlint.yaml');
  writeFileSync(configuration, lintConfiguration(['self-hosted-gremlin']));
  const result = spawnSync(tool('actionlint'), ['-no-color', '-oneline', '-config-file', configuration, '-'], {
    encoding: 'utf8',
    input: text,
  });
  rmSync(folder, { recursive: true });
  return `${result.stdout}${result.stderr}`;
}

test('actionlint accepts a workflow with every feature of the renderer', () => {
  expect(lint(everything().text)).toBe('');
});

test('actionlint accepts the pipeline of Stonks Oracle as a workflow', () => {
  expect(lint(sampleGithub().text)).toBe('');
});

test('actionlint would find an error in the embedded shell', () => {
  const broken = everything().text.replace('run: |', 'run: |\n          echo $UNQUOTED');
  expect(lint(broken)).toContain('shellcheck');
});
