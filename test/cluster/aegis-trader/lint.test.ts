import { expect, test } from 'vitest';
import { lintScripts, lintWorkflows } from '../../support/github-actions/lint.ts';
import { renderedFiles } from '../../support/rendered.ts';

const files = renderedFiles('aegis-trader');

test('actionlint and shellcheck find nothing in the workflow', () => {
  expect(lintWorkflows(files)).toEqual({ checked: 1, findings: '' });
});

test('shellcheck finds nothing in the scripts', () => {
  const { checked, findings } = lintScripts(files);
  expect(checked).toBeGreaterThanOrEqual(6);
  expect(findings).toBe('');
});
