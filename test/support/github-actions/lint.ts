import { spawnSync } from 'node:child_process';
import type { RenderedFile } from '../../../constructs/core/index.ts';
import { tool } from '../tools.ts';

/** What actionlint says about the workflows among some files, with shellcheck for their embedded shell. */
export function lintWorkflows(files: readonly RenderedFile[]): { readonly checked: number; readonly findings: string } {
  const workflows = files.filter(({ path }) => path.includes('.github/workflows/'));
  const findings = workflows.map(({ content }) => {
    const result = spawnSync(tool('actionlint'), ['-no-color', '-oneline', '-shellcheck', 'shellcheck', '-'], {
      encoding: 'utf8',
      input: content,
    });
    return `${result.stdout}${result.stderr}`;
  });
  return { checked: workflows.length, findings: findings.join('') };
}

/** What shellcheck says about the scripts among some files. */
export function lintScripts(files: readonly RenderedFile[]): { readonly checked: number; readonly findings: string } {
  const scripts = files.filter(({ path }) => path.endsWith('.sh'));
  const findings = scripts.map(({ content, path }) => {
    const result = spawnSync('shellcheck', ['--shell=bash', '--format=gcc', '-'], { encoding: 'utf8', input: content });
    return result.status === 0 ? '' : `${path}: ${result.stdout}${result.stderr}`;
  });
  return { checked: scripts.length, findings: findings.join('') };
}
