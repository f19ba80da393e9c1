import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imageOn, updateOverlay, wasDeployed } from '../../../runtime/delivery/overlay.ts';
import { commitChange } from '../../../runtime/delivery/repository.ts';
import { type GitRemote, git } from '../../../runtime/state/git.ts';
import { GitServer } from '../../support/git-server.ts';
import { kustomization, pushFiles } from './facts.ts';

let server: GitServer;
let remote: GitRemote;
const overlay = 'app/overlays/snd';
const file = `${overlay}/kustomization.yaml`;
const image = (tag: string) => ({ repository: 'harbor.example.com/payments/ledger', tag });

beforeEach(async () => {
  server = await GitServer.start();
  remote = {
    url: await server.create('ledger-gitops'),
    credentials: { username: server.username, password: server.password },
  };
  await pushFiles(remote, 'develop', { [file]: kustomization });
});
afterEach(() => server.stop());

const bare = () => ({ cwd: `${server.folder}/ledger-gitops.git` });
const fileOn = (branch: string) => git(['show', `${branch}:${file}`], bare());
const commitsOn = async (branch: string) => (await git(['log', '--format=%s', branch], bare())).trim().split('\n');

describe('the overlay of the sandbox', () => {
  test('gets the new tag; comments, order and other images stay', async () => {
    const result = await updateOverlay(remote, 'develop', overlay, image('abc'), 'ledger');
    expect(result.changed).toBe(true);
    expect(await fileOn('develop')).toBe(`${kustomization}    newTag: abc\n`);
    expect((await commitsOn('develop'))[0]).toBe('Deploy ledger abc to app/overlays/snd');
  });

  test('is left alone where it has the tag already: no empty commit', async () => {
    await updateOverlay(remote, 'develop', overlay, image('abc'), 'ledger');
    const result = await updateOverlay(remote, 'develop', overlay, image('abc'), 'ledger');
    expect(result.changed).toBe(false);
    expect(await commitsOn('develop')).toHaveLength(2);
  });

  test('keeps a tag of digits a text', async () => {
    await updateOverlay(remote, 'develop', overlay, image('0123456'), 'ledger');
    expect(await imageOn(remote, 'develop', overlay)).toEqual(image('0123456'));
    await updateOverlay(remote, 'develop', overlay, image('12345e7'), 'ledger');
    expect(await imageOn(remote, 'develop', overlay)).toEqual(image('12345e7'));
  });

  test('gets the change on top of what others pushed meanwhile', async () => {
    let others = 0;
    const result = await commitChange({
      remote,
      from: 'develop',
      message: 'Deploy',
      pause: 1,
      edit: async (folder) => {
        // Somebody else is faster, twice.
        if (others < 2) await pushFiles(remote, 'develop', { [`other-${others++}.txt`]: 'x' });
        const { writeFile } = await import('node:fs/promises');
        await writeFile(`${folder}/mine.txt`, 'mine');
      },
    });
    expect(result.changed).toBe(true);
    expect(await commitsOn('develop')).toEqual(['Deploy', 'By hand', 'By hand', 'By hand']);
    const files = await git(['ls-tree', '--name-only', 'develop'], bare());
    expect(files.trim().split('\n')).toEqual(['app', 'mine.txt', 'other-0.txt', 'other-1.txt']);
  });

  test('three applications that deploy at once lose no change', async () => {
    const names = Array.from({ length: 3 }, (_, index) => `app-${index}`);
    await pushFiles(
      remote,
      'develop',
      Object.fromEntries(names.map((name) => [`${name}/kustomization.yaml`, kustomization])),
    );
    await Promise.all(names.map((name) => updateOverlay(remote, 'develop', name, image(name), name, 30)));
    for (const name of names) expect(await imageOn(remote, 'develop', name)).toEqual(image(name));
  });

  test('gives up with the last error when the branch moves on at every try', async () => {
    let others = 0;
    const change = commitChange({
      remote,
      from: 'develop',
      message: 'Deploy',
      attempts: 2,
      pause: 1,
      edit: async (folder) => {
        await pushFiles(remote, 'develop', { 'other.txt': String(others++) });
        const { writeFile } = await import('node:fs/promises');
        await writeFile(`${folder}/mine.txt`, 'mine');
      },
    });
    await expect(change).rejects.toThrow(/rejected/);
    expect(others).toBe(2);
  });

  test('a wrong password is said at once, and not tried again', async () => {
    const wrong = { ...remote, credentials: { username: 'kargo', password: 'wrong' } };
    await expect(updateOverlay(wrong, 'develop', overlay, image('abc'), 'ledger')).rejects.toThrow(
      /refuses the user or the password/,
    );
  });

  test('a repository without the overlay is refused with what to do', async () => {
    await expect(updateOverlay(remote, 'develop', 'app/overlays/qa', image('abc'), 'ledger')).rejects.toThrow(
      /app\/overlays\/qa\/kustomization.yaml is missing; push the rendered scaffold/,
    );
  });
});

test('before the first deployment there is no image to promote', async () => {
  await expect(imageOn(remote, 'develop', overlay)).rejects.toThrow(/deploy to the sandbox first/);
});

test('what has been in the sandbox is known from its history, what has not is not', async () => {
  await updateOverlay(remote, 'develop', overlay, image('one'), 'ledger');
  await updateOverlay(remote, 'develop', overlay, image('two'), 'ledger');
  expect(await wasDeployed(remote, 'develop', overlay, 'one')).toBe(true);
  expect(await wasDeployed(remote, 'develop', overlay, 'three')).toBe(false);
});
