import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../model/problems.ts';
import type { settings } from '../../../systems/stonks-oracle/settings.ts';
import { stonksOracle } from '../../../systems/stonks-oracle/system.ts';
import { context } from '../../support/rendered.ts';

type Draft = typeof settings;

/** The problems of settings that were changed. */
function problemsOf(change: (draft: Draft) => void) {
  try {
    stonksOracle.render(context, (draft) => {
      change(draft as Draft);
      return draft;
    });
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

/** Settings are read-only where they are used; a test writes a wrong value on purpose. */
function set(draft: object, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce((object, key) => (object as Record<string, object>)[key] ?? {}, draft);
  (parent as Record<string, unknown>)[last] = value;
}

describe('a value that cannot work is refused with its path and a remedy', () => {
  test.each([
    ['hosts.ci', 'https://stonks-ci.celestium.life', 'is no host name', 'without scheme'],
    ['forge.url', 'http://10.1.1.12:30300/', 'is no plain http(s) address', 'without trailing slash'],
    ['storage.share.server', '192.168.42.800', 'is no IPv4 address', 'write it like'],
    ['storage.share.path', 'volume1/pipelines', 'is no plain absolute path', 'write it like'],
    ['storage.volumes.kargo.directory', 'argocd/kargo', 'lies inside', 'a directory of its own'],
    ['storage.volumes.kargo.directory', 'ARGOCD', 'is the same directory as', 'a directory of its own'],
    ['storage.volumes.kargo.size', '20 GB', 'is no size', 'write it like 10Gi'],
    ['promotion.window.timeZone', 'America/Newyork', 'is no time zone', 'IANA name'],
    ['promotion.window.to', '09:30', 'ends before it begins, or is empty', 'later than'],
    ['promotion.window.days', [], 'has no day', 'name its days'],
    ['promotion.project', 'stonks-paper', 'namespace stonks-paper is already', 'a namespace of its own'],
    ['stages.beta.namespace', 'Beta!', 'is no DNS label', 'lower-case letters'],
    ['stages.paper.namespace', 'stonks-oracle', 'is already', 'of its own'],
    ['namespaces.kargo', 'git-server', 'is already', 'of its own'],
    ['images.node.tag', 'latest', 'changes by itself', 'pin a version'],
    ['releases.argoCd', '10.1', 'is no chart version', 'all three numbers'],
    ['people.approvers', ['alice'], 'is no e-mail address', 'forge account'],
    ['people.operators', [], 'nobody could promote', 'at least one'],
    ['mirror.url', 'git@github.com:owner/name.git', 'is no https address', 'write it like'],
    ['woodpecker.server.tag', 3.17, '3.17 stands where a text is expected', 'put it in quotes'],
    ['woodpecker.agents', { repository: 'x' }, 'a group of settings stands where a number', 'correct the value'],
    ['registry.certificates', 'self-signed', '"self-signed" is not possible', 'use one of "public", "private"'],
    ['registry.certificates', undefined, 'is missing', 'add it: one of "public", "private"'],
    ['promotion.window.timezone', 'Europe/Berlin', 'there is no setting "timezone"', 'correct its name'],
  ])('%s = %j', (path, value, problem, remedy) => {
    const problems = problemsOf((draft) => set(draft, path, value));
    expect(problems.map((entry) => `${entry.problem}; ${entry.remedy}`)).toContainEqual(
      expect.stringContaining(problem),
    );
    expect(problems.some((entry) => entry.remedy.includes(remedy))).toBe(true);
  });

  test('a misspelt name is reported as one that is missing and one that does not exist', () => {
    const problems = problemsOf((draft) => {
      set(draft, 'hosts.argocd', draft.hosts.argoCd);
      set(draft, 'hosts.argoCd', undefined);
    });
    expect(problems.map(({ path, problem }) => `${path}: ${problem}`)).toEqual([
      'hosts.argoCd: is missing',
      'hosts.argocd: there is no setting "argocd"',
    ]);
  });

  test('every problem is named at once, with the path that the person has to edit', () => {
    const problems = problemsOf((draft) => {
      set(draft, 'hosts.kargo', 'kargo');
      set(draft, 'forge.sshPort', 70_000);
      set(draft, 'woodpecker.agents', 0);
    });
    expect(problems.map((problem) => problem.path).sort()).toEqual([
      'forge.sshPort',
      'hosts.kargo',
      'woodpecker.agents',
    ]);
  });

  test('a setting that nobody knows is refused: it would have no effect', () => {
    expect(
      problemsOf((draft) => set(draft, 'stages.papr', { enabled: true })).map((problem) => problem.problem),
    ).toEqual([expect.stringContaining('papr')]);
  });
});

test('the settings as they are have no problem', () => {
  expect(problemsOf(() => undefined)).toEqual([]);
});
