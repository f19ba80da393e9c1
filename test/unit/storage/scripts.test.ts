import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import checkDirectory from '../../../constructs/storage/check-directory.sh';
import { directoryTable } from '../../../constructs/storage/index.ts';
import makeDirectories from '../../../constructs/storage/make-directories.sh';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';

// The tests run as whoever runs them: that user is the consumer.
const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;

let folder: ShellFolder;
beforeEach(() => {
  folder = shellFolder();
});
afterEach(() => folder.remove());

const share = () => path.join(folder.path, 'share');
function make(paths: readonly string[]) {
  const table = path.join(folder.path, 'directories.tsv');
  writeFileSync(table, directoryTable(paths.map((entry) => ({ path: entry, uid, gid, mode: '0750' }))));
  return folder.sh(makeDirectories, [share(), table]);
}
const check = (directory: string, user = uid, mode = '0750') =>
  folder.sh(checkDirectory, [directory, String(user), String(gid), mode]);

test('directories are made with owner and mode, and a second run changes nothing in them', async () => {
  mkdirSync(share());
  expect(await make(['argocd', 'ci/woodpecker'])).toMatchObject({ code: 0, stderr: '' });
  writeFileSync(path.join(share(), 'argocd/kept'), 'data', { mode: 0o600 });
  const second = await make(['argocd', 'ci/woodpecker']);
  expect(second).toMatchObject({ code: 0, stderr: '' });
  expect(second.stdout).toContain(`argocd: owner ${uid}:${gid}, mode 750`);
  expect(statSync(path.join(share(), 'ci/woodpecker')).mode & 0o777).toBe(0o750);
  expect(readFileSync(path.join(share(), 'argocd/kept'), 'utf8')).toBe('data');
  expect(statSync(path.join(share(), 'argocd/kept')).mode & 0o777).toBe(0o600);
});

test('a symbolic link in the place of a directory is refused', async () => {
  mkdirSync(share());
  symlinkSync('/tmp', path.join(share(), 'kargo'));
  expect(await make(['kargo'])).toMatchObject({ code: 1, stderr: expect.stringContaining('symbolic link') });
});

test('a server that refuses to change the owner does not stop the making: the check decides', async () => {
  mkdirSync(share());
  folder.standIn('chown', 'exit 1');
  folder.standIn('stat', 'case $* in *%u:%g*) echo 1:1 ;; *) exec /usr/bin/stat "$@" ;; esac');
  expect(await make(['kargo'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('refused to change the owner'),
  });
});

test('a good directory passes the check and keeps nothing of it', async () => {
  mkdirSync(share());
  await make(['data']);
  const result = await check(path.join(share(), 'data'));
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.stdout).toContain('as they must be');
  expect(readdirSync(path.join(share(), 'data'))).toEqual([]);
});

test('every problem is told at once: owner, user and mode', async () => {
  mkdirSync(share());
  await make(['data']);
  const { code, stderr } = await check(path.join(share(), 'data'), uid + 1, '0700');
  expect(code).toBe(1);
  expect(stderr).toContain(`runs as user ${uid}, not as the consumer's user ${uid + 1}`);
  expect(stderr).toContain(`belongs to ${uid}:${gid}, not to ${uid + 1}:${gid}`);
  expect(stderr).toContain('has mode 750, not 0700');
});

test('a share that is not there fails the check', async () => {
  expect(await check(path.join(share(), 'nowhere'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is no directory'),
  });
});

test.each([
  ['a disk that does not take an fsync', 'dd', 'exit 1', 'cannot be written and fsynced'],
  ['a server without locks', 'flock', 'exit 1', 'does not lock files'],
  ['a server that gives a lock twice', 'flock', 'exit 0', 'gives one lock to two owners'],
  ['a rename that copies', 'mv', 'cp "$1" "$2"', 'does not rename'],
])('%s fails the check', async (_, program, script, message) => {
  mkdirSync(share());
  await make(['data']);
  folder.standIn(program, script);
  expect(await check(path.join(share(), 'data'))).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
});
