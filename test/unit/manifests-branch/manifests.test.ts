import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { output, run } from '../../support/processes.ts';
import { fileText, renderedFiles } from '../../support/rendered.ts';

const files = renderedFiles('ftmo-trading');
const manifests = fileText(files, 'repo/.github/scripts/manifests.sh');
const rollBack = fileText(files, 'repo/scripts/roll-back.sh');

const author = {
  GIT_AUTHOR_NAME: 'bot',
  GIT_AUTHOR_EMAIL: 'bot@example.org',
  GIT_COMMITTER_NAME: 'bot',
  GIT_COMMITTER_EMAIL: 'bot@example.org',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

/** A bare repository, and working copies of it as a runner has them. */
class Forge {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'manifests-'));
  readonly bare = path.join(this.folder, 'forge.git');
  private copies = 0;

  git(args: readonly string[], cwd = this.folder): Promise<string> {
    return output('git', args, { cwd, env: { ...process.env, ...author } }).then((text) => text.trim());
  }

  /** A working copy with the scripts beside it. */
  async copy(): Promise<string> {
    const folder = path.join(this.folder, `copy-${this.copies++}`);
    await this.git(['clone', '--quiet', `file://${this.bare}`, folder]);
    return folder;
  }

  /** A commit on main with one manifest; gives its name. */
  async commit(copy: string, text: string): Promise<string> {
    mkdirSync(path.join(copy, 'infra/k8s-manifests'), { recursive: true });
    writeFileSync(path.join(copy, 'infra/k8s-manifests/web.yaml'), text);
    await this.git(['add', '--all'], copy);
    await this.git(['commit', '--quiet', '--message', text], copy);
    await this.git(['push', '--quiet', 'origin', 'HEAD:main'], copy);
    return this.git(['rev-parse', 'HEAD'], copy);
  }

  script(text: string, args: readonly string[], copy: string, environment: NodeJS.ProcessEnv) {
    return run('bash', ['-c', text, 'script', ...args], {
      cwd: copy,
      env: { ...process.env, ...author, WAIT_SECONDS: '0', MANIFESTS_BRANCH: 'manifests', ...environment },
    });
  }

  /** Fills in a tag and pushes, as the job does. */
  async deploy(copy: string, tag: string, environment: NodeJS.ProcessEnv = {}) {
    const source = await this.git(['rev-parse', 'HEAD'], copy);
    const all = { IMAGE_TAG: tag, TAG_PLACEHOLDER: 'set-by-the-pipeline', SOURCE_COMMIT: source, ...environment };
    rmSync(path.join(copy, 'deploy'), { recursive: true, force: true });
    const filled = await this.script(manifests, ['fill', 'deploy', 'infra/k8s-manifests'], copy, all);
    if (filled.code !== 0) return filled;
    return this.script(manifests, ['push', 'deploy'], copy, all);
  }

  /** What the branch says, and its commits. */
  async branch() {
    const show = (args: readonly string[]) => this.git(['--git-dir', this.bare, ...args]);
    return {
      commits: (await show(['log', '--format=%s', 'manifests'])).split('\n'),
      files: (await show(['ls-tree', '-r', '--name-only', 'manifests'])).split('\n'),
      web: await show(['show', 'manifests:infra/k8s-manifests/web.yaml']),
    };
  }
}

const template = 'image: ghcr.io/x/web:set-by-the-pipeline\n';

describe('the manifests branch', () => {
  let forge: Forge;
  let copy: string;

  beforeEach(async () => {
    forge = new Forge();
    await forge.git(['init', '--quiet', '--bare', '--initial-branch=main', forge.bare]);
    copy = await forge.copy();
    await forge.commit(copy, template);
  });
  afterEach(() => rmSync(forge.folder, { recursive: true, force: true }));

  it('is made by the first run, without any history of main, and holds the manifests alone', async () => {
    expect(await forge.deploy(copy, 'main-0123456')).toMatchObject({ code: 0 });
    expect(await forge.branch()).toEqual({
      commits: ['Deploy main-0123456 [skip ci]'],
      files: ['infra/k8s-manifests/web.yaml'],
      web: 'image: ghcr.io/x/web:main-0123456',
    });
    expect(readFileSync(path.join(copy, 'infra/k8s-manifests/web.yaml'), 'utf8')).toBe(template);
  });

  it('gets a commit for a new tag, on top of the one before', async () => {
    await forge.deploy(copy, 'main-0123456');
    await forge.commit(copy, `# more\n${template}`);
    expect(await forge.deploy(copy, 'main-1111111')).toMatchObject({ code: 0 });
    expect((await forge.branch()).commits).toEqual(['Deploy main-1111111 [skip ci]', 'Deploy main-0123456 [skip ci]']);
  });

  it('gets no commit if nothing changed', async () => {
    await forge.deploy(copy, 'main-0123456');
    const again = await forge.deploy(await forge.copy(), 'main-0123456');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('has them already');
    expect((await forge.branch()).commits).toHaveLength(1);
  });

  it('is written after somebody else who was faster, on top of theirs', async () => {
    await forge.deploy(copy, 'main-0123456');
    const other = await forge.copy();
    await forge.git(['checkout', '--quiet', 'manifests'], other);
    writeFileSync(path.join(other, 'hotfix.yaml'), 'a: b\n');
    await forge.git(['add', '--all'], other);
    await forge.git(['commit', '--quiet', '--message', 'by hand'], other);
    // Pushes between our look at the branch and our push, once.
    const hook = path.join(copy, '.git/hooks/pre-push');
    writeFileSync(
      hook,
      `#!/bin/sh\nif [ ! -e "${forge.folder}/raced" ]; then touch "${forge.folder}/raced"; git -C "${other}" push --quiet origin HEAD:manifests; fi\n`,
      { mode: 0o755 },
    );
    const finished = await forge.deploy(copy, 'main-2222222');
    expect(finished.stdout).toContain('somebody else pushed; attempt 1');
    expect(finished).toMatchObject({ code: 0 });
    expect((await forge.branch()).commits).toEqual([
      'Deploy main-2222222 [skip ci]',
      'by hand',
      'Deploy main-0123456 [skip ci]',
    ]);
  });

  it('is made by one of two first runs that race, and the other goes on top', async () => {
    const other = await forge.copy();
    await forge.commit(other, `# more\n${template}`);
    const results = await Promise.all([forge.deploy(copy, 'main-0000000'), forge.deploy(other, 'main-1111111')]);
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect((await forge.branch()).web).toContain(':main-1111111');
  });

  it('does not go back when an earlier run ends later', async () => {
    const later = await forge.copy();
    await forge.commit(later, `# later\n${template}`);
    await forge.deploy(later, 'main-2222222');
    const late = await forge.deploy(copy, 'main-1111111');
    expect(late).toMatchObject({ code: 0 });
    expect(late.stdout).toContain('was written for a later commit');
    expect((await forge.branch()).commits).toEqual(['Deploy main-2222222 [skip ci]']);
  });

  it('says so when it cannot be written', async () => {
    writeFileSync(path.join(forge.bare, 'hooks/pre-receive'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const refused = await forge.deploy(copy, 'main-0123456', { ATTEMPTS: '2' });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('could not be written');
  });

  it('takes no answer of the repository for "no branch"', async () => {
    await forge.git(['remote', 'set-url', 'origin', `file://${forge.folder}/nowhere`], copy);
    const lost = await forge.deploy(copy, 'main-0123456');
    expect(lost.code).toBe(1);
    expect(lost.stderr).toContain('the repository does not answer');
  });

  it.each([
    ['no tag', '', 'IMAGE_TAG is not set'],
    ['a text that is no tag', 'main/abc', 'is no image tag'],
    ['a text with a command in it', 'x/;e touch y', 'is no image tag'],
  ])('is not written with %s', async (_name, tag, message) => {
    const refused = await forge.deploy(copy, tag);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(message);
  });

  it('is not written if no manifest waits for a tag', async () => {
    await forge.commit(copy, 'image: ghcr.io/x/web:latest\n');
    const refused = await forge.deploy(copy, 'main-0123456');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('nothing would be deployed');
  });

  describe('going back', () => {
    it('adds a commit with the content from before, which the next deployment follows', async () => {
      await forge.deploy(copy, 'main-0123456');
      await forge.commit(copy, `# more\n${template}`);
      await forge.deploy(copy, 'main-1111111');
      expect(await forge.script(rollBack, [], copy, {})).toMatchObject({ code: 0 });
      const back = await forge.branch();
      expect(back.web).toBe('image: ghcr.io/x/web:main-0123456');
      expect(back.commits).toHaveLength(3);
      await forge.commit(copy, `# repaired\n${template}`);
      expect(await forge.deploy(copy, 'main-3333333')).toMatchObject({ code: 0 });
      expect((await forge.branch()).web).toContain(':main-3333333');
    });

    it('refuses a commit that was never deployed, and a branch with one commit', async () => {
      await forge.deploy(copy, 'main-0123456');
      const main = await forge.git(['rev-parse', 'HEAD'], copy);
      expect((await forge.script(rollBack, [main], copy, {})).stderr).toContain('was never on manifests');
      expect((await forge.script(rollBack, [], copy, {})).stderr).toContain('no commit before the last one');
    });
  });
});
