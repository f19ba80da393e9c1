import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitAll, git, gitEnvironment } from '../../support/application/sample.ts';
import { type Finished, run } from '../../support/processes.ts';

const script = fileURLToPath(new URL('../../../constructs/application-pipeline/mirror.sh', import.meta.url));

let folder: string;
let work: string;
let source: string;
let target: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'mirror-'));
  [source, target, work] = ['source.git', 'target.git', 'work'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  await git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', source);
  await git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', target);
  await git(folder, 'init', '--quiet', '--initial-branch=main', work);
  await git(work, 'remote', 'add', 'origin', source);
  await commit('first');
  await git(work, 'push', '--quiet', 'origin', 'main');
});

afterEach(() => rmSync(folder, { recursive: true }));

async function commit(text: string): Promise<string> {
  mkdirSync(work, { recursive: true });
  writeFileSync(path.join(work, 'file.txt'), text);
  return commitAll(work, text);
}

function mirror(env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return run('sh', [script], {
    cwd: folder,
    env: {
      ...gitEnvironment,
      SOURCE_URL: source,
      TARGET_URL: target,
      SOURCE_TOKEN: 'source-token',
      TARGET_TOKEN: 'target-token',
      ...env,
    },
  });
}

/** References of a repository as `name -> object`, without our record. */
async function refs(repository: string): Promise<Record<string, string>> {
  const lines = (await git(repository, 'for-each-ref', '--format=%(refname) %(objectname)')).trim().split('\n');
  return Object.fromEntries(
    lines.filter((line) => line !== '' && !line.startsWith('refs/mirrored/')).map((line) => line.split(' ')),
  );
}

describe('mirror', () => {
  it('copies all branches and tags and nothing else', async () => {
    await git(
      work,
      'push',
      '--quiet',
      'origin',
      'HEAD:refs/heads/feature/x',
      'HEAD:refs/tags/v1',
      'HEAD:refs/pull/7/head',
    );
    const result = await mirror();
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    expect(Object.keys(await refs(target))).toEqual(['refs/heads/feature/x', 'refs/heads/main', 'refs/tags/v1']);
    expect(result.stdout).toContain('3 branches and tags');
  });

  it('changes nothing the second time', async () => {
    await mirror();
    const before = await git(source, 'for-each-ref');
    expect((await mirror()).code).toBe(0);
    expect(await git(source, 'for-each-ref')).toBe(before);
  });

  it('follows new commits, rewritten branches, moved tags and deletions of what it mirrored', async () => {
    await git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/old', 'HEAD:refs/tags/moving');
    await mirror();
    await commit('second');
    await git(work, 'commit', '--quiet', '--amend', '--message', 'rewritten');
    await git(work, 'push', '--quiet', '--force', 'origin', 'main', 'HEAD:refs/tags/moving', ':refs/heads/old');
    expect((await mirror()).code).toBe(0);
    expect(await refs(target)).toEqual(await refs(source));
    expect(Object.keys(await refs(target))).toEqual(['refs/heads/main', 'refs/tags/moving']);
  });

  it('deletes nothing from a fresh, empty source', async () => {
    await git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/other');
    await mirror();
    const before = await refs(target);
    await git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', path.join(folder, 'fresh.git'));
    const result = await mirror({ SOURCE_URL: path.join(folder, 'fresh.git') });
    expect(result.code).toBe(0);
    expect(await refs(target)).toEqual(before);
  });

  it('remembers what it mirrored in the source, so that a bundle of it carries the record', async () => {
    await git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/old');
    await mirror();
    const bundle = path.join(folder, 'all.bundle');
    await git(source, 'bundle', 'create', '--quiet', bundle, '--all');
    const restored = path.join(folder, 'restored.git');
    await git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', restored);
    await git(restored, 'fetch', '--quiet', bundle, '+refs/*:refs/*');
    await git(restored, 'update-ref', '-d', 'refs/heads/old');
    expect((await mirror({ SOURCE_URL: restored })).code).toBe(0);
    expect(Object.keys(await refs(target))).toEqual(['refs/heads/main']);
  });

  it('takes over a target that is behind, and leaves branches that only the target has', async () => {
    await git(work, 'push', '--quiet', target, 'HEAD:refs/heads/main', 'HEAD:refs/heads/theirs');
    await commit('second');
    await git(work, 'push', '--quiet', 'origin', 'main');
    expect((await mirror()).code).toBe(0);
    const mirrored = await refs(target);
    expect(mirrored['refs/heads/main']).toBe((await refs(source))['refs/heads/main']);
    expect(mirrored['refs/heads/theirs']).toBeDefined();
  });

  it('reports work that somebody else pushed to the target instead of losing it', async () => {
    await mirror();
    await git(folder, 'clone', '--quiet', target, 'other');
    const other = path.join(folder, 'other');
    writeFileSync(path.join(other, 'theirs.txt'), 'theirs');
    const theirs = await commitAll(other, 'theirs');
    await git(other, 'push', '--quiet', 'origin', 'main');
    await commit('ours');
    await git(work, 'push', '--quiet', 'origin', 'main', 'HEAD:refs/heads/new');
    const result = await mirror();
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`refs/heads/main in the target was changed by somebody else (${theirs})`);
    expect((await refs(target))['refs/heads/main']).toBe(theirs);
    expect((await refs(target))['refs/heads/new']).toBeDefined();
  });

  it.each(['unset', ''])('says that it is not set up with %j as token, and does nothing', async (token) => {
    const result = await mirror({ TARGET_TOKEN: token, SOURCE_URL: '/nowhere' });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('not set up');
    expect(await refs(target)).toEqual({});
  });

  it('fails with a reason when the target is away, and shows no token', async () => {
    const result = await mirror({ TARGET_URL: path.join(folder, 'gone.git') });
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain('gone.git');
    expect(result.stdout + result.stderr).not.toContain('target-token');
    expect(existsSync(path.join(folder, 'mirror.git'))).toBe(false);
  });
});
