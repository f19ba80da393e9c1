import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeliveredApplication } from '../../../model/delivery/index.ts';
import type { Forge } from '../../../runtime/delivery/forge/forge.ts';
import { updateOverlay } from '../../../runtime/delivery/overlay.ts';
import { promote } from '../../../runtime/delivery/promote.ts';
import { provision } from '../../../runtime/delivery/provision.ts';
import { type GitRemote, git, references } from '../../../runtime/state/git.ts';
import { GitServer } from '../../support/git-server.ts';
import { kustomization, pushFiles, settings } from './facts.ts';

const application = settings.applications[0] as DeliveredApplication;
const { sandbox, production } = settings.overlays;
const sandboxFile = `${sandbox}/kustomization.yaml`;
const productionFile = `${production}/kustomization.yaml`;

let server: GitServer;
let remote: GitRemote;
let asked: string[];

/** A forge that remembers what it was asked. */
const forge: Forge = {
  ensureRepository: async (place) => {
    asked.push(`repository ${place.repository}`);
    return true;
  },
  setDefaultBranch: async (place, branch) => {
    asked.push(`default ${place.repository} ${branch}`);
  },
  protect: async (place, { branch, reviewers }) => {
    asked.push(`protect ${place.repository} ${branch} ${reviewers}`);
  },
  ensureHook: async (place, hook) => {
    asked.push(`hook ${place.repository} ${hook.url}`);
    return true;
  },
  openPullRequest: async (_, { from, to, title }) => {
    asked.push(`${from} -> ${to}: ${title}`);
    return { url: 'https://example.com/1', created: true };
  },
};

beforeEach(async () => {
  asked = [];
  server = await GitServer.start();
  remote = {
    url: await server.create('ledger-gitops'),
    credentials: { username: server.username, password: server.password },
  };
});
afterEach(() => server.stop());

const bare = () => ({ cwd: `${server.folder}/ledger-gitops.git` });

async function scaffold(): Promise<void> {
  await pushFiles(remote, 'main', { [sandboxFile]: kustomization, [productionFile]: kustomization });
  await pushFiles(remote, 'develop', {}, 'main');
}

const deploy = (tag: string) =>
  updateOverlay(remote, 'develop', sandbox, { repository: application.image, tag }, application.name);

describe('a promotion', () => {
  test('proposes the image of the sandbox and nothing else that develop has', async () => {
    await scaffold();
    await deploy('abc');
    await pushFiles(remote, 'develop', { 'app/base/unfinished.yaml': 'x', [productionFile]: 'broken: true\n' });
    const made = await promote({ settings, application, remote, forge });
    expect(made?.created).toBe(true);
    expect(asked).toEqual(['promote/ledger-abc -> main: Promote ledger abc to production']);
    const changed = await git(['diff', '--name-only', 'main', 'promote/ledger-abc'], bare());
    expect(changed.trim()).toBe(productionFile);
    const lines = await git(['diff', '--unified=0', 'main', 'promote/ledger-abc'], bare());
    const added = lines.split('\n').filter((line) => /^[+-][^+-]/.test(line));
    expect(added).toEqual(['+    newTag: abc']);
  });

  test('merges nothing: production stays as it was', async () => {
    await scaffold();
    await deploy('abc');
    const before = (await references(remote))['refs/heads/main'];
    await promote({ settings, application, remote, forge });
    expect((await references(remote))['refs/heads/main']).toBe(before);
  });

  test('asked twice, pushes the same change over the same branch', async () => {
    await scaffold();
    await deploy('abc');
    await promote({ settings, application, remote, forge });
    await promote({ settings, application, remote, forge });
    expect(Object.keys(await references(remote)).sort()).toEqual([
      'refs/heads/develop',
      'refs/heads/main',
      'refs/heads/promote/ledger-abc',
    ]);
  });

  test('of what production has already opens nothing', async () => {
    await scaffold();
    await deploy('abc');
    await promote({ settings, application, remote, forge });
    await git(['update-ref', 'refs/heads/main', 'refs/heads/promote/ledger-abc'], bare());
    asked = [];
    expect(await promote({ settings, application, remote, forge })).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('of a release that was in the sandbox proposes the version', async () => {
    await scaffold();
    await deploy('commit-one');
    await deploy('commit-two');
    const release = { tag: '1.2.3', commitTag: 'commit-one' };
    await promote({ settings, application, remote, forge, release });
    const text = await git(['show', `promote/ledger-1.2.3:${productionFile}`], bare());
    expect(text).toContain('newTag: 1.2.3');
  });

  test('of a release that was never in the sandbox is refused', async () => {
    await scaffold();
    await deploy('commit-one');
    const release = { tag: '1.2.3', commitTag: 'commit-two' };
    await expect(promote({ settings, application, remote, forge, release })).rejects.toThrow(
      /never in the sandbox; let main deliver it first/,
    );
    expect(asked).toEqual([]);
  });

  test('before anything was deployed is refused', async () => {
    await scaffold();
    await expect(promote({ settings, application, remote, forge })).rejects.toThrow(/deploy to the sandbox first/);
  });
});

describe('the repositories of an application', () => {
  async function run(): Promise<void> {
    const { mkdtempSync, writeFileSync, mkdirSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const folder = mkdtempSync(join(tmpdir(), 'scaffold-'));
    for (const name of ['ledger', 'ledger-gitops']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'README.md'), `# ${name}\n`);
    }
    await provision({
      settings,
      application,
      forge,
      hookSecret: 'secret',
      remote: (place) => ({ ...remote, url: `${server.url}/${place.repository}.git` }),
      scaffolds: { source: join(folder, 'ledger'), gitOps: join(folder, 'ledger-gitops') },
      print: () => undefined,
    });
  }

  test('start from the scaffolds, with production protected and the webhook set', async () => {
    const source = await server.create('ledger');
    await run();
    const gitOps = await references(remote);
    expect(Object.keys(gitOps).sort()).toEqual(['refs/heads/develop', 'refs/heads/main']);
    expect(gitOps['refs/heads/main']).toBe(gitOps['refs/heads/develop']);
    expect(Object.keys(await references({ ...remote, url: source }))).toEqual(['refs/heads/main']);
    expect(asked).toEqual([
      'repository ledger-gitops',
      'default ledger-gitops develop',
      'protect ledger-gitops main 1',
      'repository ledger',
      'hook ledger https://hook.example.com/github/push',
    ]);
  });

  test('are completed where they exist, and nothing in them is overwritten', async () => {
    await server.create('ledger');
    const mine = await pushFiles(remote, 'main', { 'mine.txt': 'mine' });
    await run();
    await run();
    const gitOps = await references(remote);
    expect(gitOps['refs/heads/main']).toBe(mine);
    expect(gitOps['refs/heads/develop']).toBe(mine);
  });
});
