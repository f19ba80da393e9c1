import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { dump, load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import {
  allowPattern,
  branchSlug,
  isImageTag,
  type TagEvent,
  type TagPolicyName,
  tagPolicy,
  tagsFor,
} from '../../../model/tag-policy.ts';
import { tagPolicyScript } from '../../../model/tag-policy-shell.ts';

const sha = '0123456789abcdef0123456789abcdef01234567';
const names: readonly TagPolicyName[] = ['commit-sha', 'short-sha', 'branch-sha', 'revision'];

/** Commits whose beginning is easily read as a number: digits only, leading zeros, exponents. */
const treacherous = fc.oneof(
  fc.stringMatching(/^[0-9]{40}$/),
  fc.stringMatching(/^0[0-9]{6}[0-9a-f]{33}$/),
  fc.stringMatching(/^[0-9]{5}e[0-9][0-9a-f]{33}$/),
  fc.stringMatching(/^[0-9]{38}e[0-9]$/),
  fc.stringMatching(/^[0-9a-f]{40}$/),
);

const event: fc.Arbitrary<TagEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('push' as const),
    sha: treacherous,
    branch: fc.oneof(fc.constant('main'), fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9/_.#+-]{0,140}$/)),
  }),
  fc.record({
    kind: fc.constant('pull-request' as const),
    sha: treacherous,
    number: fc.integer({ min: 1, max: 99_999 }),
  }),
  fc.record({
    kind: fc.constant('tag' as const),
    sha: treacherous,
    tag: fc.stringMatching(/^v?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(-rc\.[0-9])?$/),
  }),
);

describe('tag policy', () => {
  it('tags with the whole commit and latest on main only, for Stonks Oracle', () => {
    const policy = tagPolicy('commit-sha');
    expect(tagsFor(policy, { kind: 'push', sha, branch: 'main' })).toEqual({ tags: [sha, 'latest'], deployTag: sha });
    expect(tagsFor(policy, { kind: 'push', sha, branch: 'other' }).tags).toEqual([]);
    expect(tagsFor(policy, { kind: 'pull-request', sha, number: 7 }).tags).toEqual([]);
    expect(allowPattern(policy)).toBe('^[0-9a-f]{40}$');
  });

  it('tags with seven characters, pull request and version, for AegisTrader', () => {
    const policy = tagPolicy('short-sha');
    expect(tagsFor(policy, { kind: 'push', sha, branch: 'main' })).toEqual({
      tags: ['0123456', 'latest'],
      deployTag: '0123456',
    });
    expect(tagsFor(policy, { kind: 'pull-request', sha, number: 12 })).toEqual({
      tags: ['pr-12-0123456'],
      deployTag: undefined,
    });
    expect(tagsFor(policy, { kind: 'tag', sha, tag: 'v1.2.3' })).toEqual({
      tags: ['1.2.3', '1.2'],
      deployTag: '1.2.3',
    });
    expect(tagsFor(policy, { kind: 'tag', sha, tag: 'v1.2.3-rc.1' }).tags).toEqual(['1.2.3-rc.1']);
  });

  it('tags with branch and commit, for FTMO trading', () => {
    const policy = tagPolicy('branch-sha');
    expect(tagsFor(policy, { kind: 'push', sha, branch: 'main' })).toEqual({
      tags: ['main-0123456', 'latest'],
      deployTag: 'main-0123456',
    });
    expect(tagsFor(policy, { kind: 'push', sha, branch: 'feature/a b' }).tags).toEqual(['feature-a-b-0123456']);
    expect(tagsFor(policy, { kind: 'pull-request', sha, number: 3 }).tags).toEqual(['pr-3']);
  });

  it('tags with the revision and the version without v, for Luban', () => {
    const policy = tagPolicy('revision');
    expect(tagsFor(policy, { kind: 'tag', sha, tag: 'v2.0.1' })).toEqual({ tags: ['2.0.1', sha], deployTag: '2.0.1' });
    expect(tagsFor(policy, { kind: 'push', sha, branch: 'develop' }).tags).toEqual([sha]);
  });

  it('refuses what is no commit, no pull request or no version', () => {
    expect(() => tagsFor(tagPolicy('commit-sha'), { kind: 'push', sha: 'main', branch: 'main' })).toThrow(/no commit/);
    expect(() => tagsFor(tagPolicy('short-sha'), { kind: 'pull-request', sha, number: 0 })).toThrow(/number/);
    expect(() => tagsFor(tagPolicy('short-sha'), { kind: 'tag', sha, tag: 'nightly' })).toThrow(/no release tag/);
  });

  it('only makes valid tags, and deploys only a tag that it makes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), event, (name, happened) => {
        const { tags, deployTag } = tagsFor(tagPolicy(name), happened);
        expect(tags.filter((tag) => !isImageTag(tag))).toEqual([]);
        expect(deployTag === undefined || tags.includes(deployTag)).toBe(true);
      }),
    );
  });

  it('lets a watcher pick up what a push to main deploys, and nothing else that it makes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), treacherous, (name, commit) => {
        const policy = tagPolicy(name);
        const { tags, deployTag } = tagsFor(policy, { kind: 'push', sha: commit, branch: 'main' });
        const pattern = new RegExp(allowPattern(policy));
        expect(tags.filter((tag) => pattern.test(tag))).toEqual([deployTag]);
      }),
    );
  });

  it('keeps tags that look like numbers as strings through YAML and JSON', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), treacherous, (name, commit) => {
        const { deployTag } = tagsFor(tagPolicy(name), { kind: 'push', sha: commit, branch: 'main' });
        expect(load(dump({ image: { tag: deployTag } }))).toEqual({ image: { tag: deployTag } });
        expect(JSON.parse(JSON.stringify({ tag: deployTag }))).toEqual({ tag: deployTag });
      }),
    );
  });

  it('makes a part of a tag of every branch', () => {
    expect(branchSlug('feature/x')).toBe('feature-x');
    expect(branchSlug('..//')).toBe('branch');
    expect(branchSlug('a'.repeat(300))).toHaveLength(100);
  });
});

describe('tag policy as a shell script', () => {
  const run = (name: TagPolicyName, happened: TagEvent) => {
    const environment = {
      TAG_EVENT: happened.kind,
      COMMIT_SHA: happened.sha,
      ...(happened.kind === 'push' ? { BRANCH: happened.branch } : {}),
      ...(happened.kind === 'pull-request' ? { PULL_REQUEST: String(happened.number) } : {}),
      ...(happened.kind === 'tag' ? { GIT_TAG: happened.tag } : {}),
    };
    return execFileSync('sh', ['-c', tagPolicyScript(tagPolicy(name))], {
      env: { PATH: process.env.PATH, ...environment },
      encoding: 'utf8',
    });
  };

  it('agrees with the function for every event', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), event, (name, happened) => {
        const { tags, deployTag } = tagsFor(tagPolicy(name), happened);
        const lines = run(name, happened).split('\n').filter(Boolean);
        expect(new Set(lines.filter((line) => line.startsWith('tag=')).map((line) => line.slice(4)))).toEqual(
          new Set(tags),
        );
        expect(lines.filter((line) => line.startsWith('deploy='))).toEqual(
          deployTag === undefined ? [] : [`deploy=${deployTag}`],
        );
      }),
      { numRuns: 60 },
    );
  });

  it('fails with a reason on what is no commit or no version', () => {
    const script = tagPolicyScript(tagPolicy('short-sha'));
    const failed = (env: Record<string, string>) =>
      spawnSync('sh', ['-c', script], { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' });
    const noCommit = failed({ TAG_EVENT: 'push', BRANCH: 'main', COMMIT_SHA: `${sha}\n$(id)` });
    expect(noCommit.status).not.toBe(0);
    expect(noCommit.stderr).toContain('is no commit');
    const noVersion = failed({ TAG_EVENT: 'tag', GIT_TAG: 'nightly', COMMIT_SHA: sha });
    expect(noVersion.status).not.toBe(0);
    expect(noVersion.stderr).toContain('is no release tag');
  });
});
