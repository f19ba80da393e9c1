// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions of Kargo are written like template strings
import { describe, expect, test } from 'vitest';
import { type CommitStatusEvidence, evidenceStep } from '../../../constructs/kargo/index.ts';
import { part } from '../../support/chart.ts';
import { evidence } from './example.ts';

const github: CommitStatusEvidence = { ...evidence, forge: { kind: 'github' }, creator: 'github-actions[bot]' };

describe.each([
  [
    'Gitea',
    evidence,
    "find(response.body.statuses ?? [], .context == 'integration-test' && .creator?.login == 'ci')?.status",
  ],
  [
    'GitHub',
    github,
    "find(response.body, .context == 'integration-test' && .creator?.login == 'github-actions[bot]')?.state",
  ],
])('evidence from %s', (_, from, status) => {
  const step = evidenceStep(from);

  test('counts only if the CI user set it, and is read only from a good answer', () => {
    expect(part(step, 'config', 'successExpression')).toBe(`response.status == 200 && ${status} == 'success'`);
    expect(part(step, 'config', 'failureExpression')).toBe(
      `response.status == 200 && ${status} in ['failure', 'error']`,
    );
  });

  test('is waited for as long as the pipeline may take, over short outages of the forge', () => {
    expect(step.retry).toEqual({ timeout: '2h', errorThreshold: 20 });
    expect(part(step, 'config', 'pollInterval')).toBe('10s');
  });

  test('is asked for by the commit that is the tag, with a token that is only named', () => {
    expect(part(step, 'config', 'url')).toContain('/commits/${{ imageFrom(vars.image).Tag }}/status');
    expect(part<string>(step, 'config', 'headers', 0, 'value')).toMatch(
      /^\w+ \$\{\{ secret\('commit-status'\)\.token \}\}$/,
    );
  });

  test('that is bad tells why', () => {
    expect(part(step, 'config', 'errorExpression')).toMatch(/^'integration-test failed: ' \+ /);
  });
});

test('the addresses are those of the forge', () => {
  expect(part(evidenceStep(evidence), 'config', 'url')).toMatch(
    /^http:\/\/10\.0\.0\.1:30300\/api\/v1\/repos\/apps\/shop\//,
  );
  expect(part(evidenceStep(github), 'config', 'url')).toMatch(/^https:\/\/api\.github\.com\/repos\/apps\/shop\//);
});

test('a name that would break out of the expression is refused', () => {
  expect(() => evidenceStep({ ...evidence, creator: "ci' || true || '" })).toThrow(
    'cannot stand in a Kargo expression',
  );
});
