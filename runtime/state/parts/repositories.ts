import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SavedRepository } from '../../../model/state/settings.ts';
import { openSealed, sealToFile } from '../../files/sealed.ts';
import { sha256, sha256OfFile } from '../../files/sha256.ts';
import { type GitRemote, git, gitStream, pushAll, references, remoteWithCredentials, withMirror } from '../git.ts';
import { canonical, type SnapshotFile } from '../manifest.ts';

/** Name of the sealed bundle of a repository with exactly these branches and tags. */
function bundlePath(name: string, refs: Record<string, string>): string {
  return `bundles/${name}-${sha256(canonical(refs)).slice(0, 20)}.sealed`;
}

/**
 * Saves a repository as a sealed bundle of all its branches and tags. The bundle of an unchanged repository is used again.
 *
 * @returns the file (none for an empty repository) and what it holds
 */
export async function saveRepository(
  repository: SavedRepository,
  key: Uint8Array,
  folder: string,
): Promise<{ file: SnapshotFile | undefined; refs: Record<string, string> }> {
  const remote = await remoteWithCredentials(repository);
  const present = await references(remote);
  if (Object.keys(present).length === 0) return { file: undefined, refs: {} };
  const name = `repository:${repository.name}`;
  const known = bundlePath(repository.name, present);
  const reused = await stat(join(folder, known)).catch(() => undefined);
  if (reused !== undefined && (await opens(join(folder, known), known, key))) {
    const file = { name, path: known, sha256: await sha256OfFile(join(folder, known)), bytes: reused.size };
    return { file, refs: present };
  }
  return withMirror(remote, async (mirror) => {
    // A push may have come in between: what was fetched counts.
    const listed = await git(['for-each-ref', '--format=%(objectname) %(refname)'], { cwd: mirror });
    const refs = Object.fromEntries(
      listed
        .split('\n')
        .filter(Boolean)
        .map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
    );
    const path = bundlePath(repository.name, refs);
    const bundle = gitStream(['bundle', 'create', '--quiet', '-', '--branches', '--tags'], { cwd: mirror });
    return { file: { name, path, ...(await sealToFile(join(folder, path), path, key, bundle)) }, refs };
  });
}

async function opens(path: string, name: string, key: Uint8Array): Promise<boolean> {
  try {
    for await (const _ of openSealed(path, name, key)) {
      // Only the seal at the end matters here.
    }
    return true;
  } catch {
    return false;
  }
}

/** What a bundle says it holds, from its first lines. */
export async function bundleReferences(path: string, name: string, key: Uint8Array): Promise<Record<string, string>> {
  let head = Buffer.alloc(0);
  for await (const piece of openSealed(path, name, key)) {
    if (head.indexOf('\n\n') < 0) head = Buffer.concat([head, piece]);
  }
  const end = head.indexOf('\n\n');
  const lines = head.subarray(0, Math.max(0, end)).toString('utf8').split('\n');
  if (!/^# v[23] git bundle$/.test(lines[0] ?? '') || end < 0) throw new Error(`${path}: it holds no git bundle`);
  const refs = lines.slice(1).filter((line) => /^[0-9a-f]{40,64} refs\//.test(line));
  return Object.fromEntries(refs.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]));
}

/** Writes the opened bundle to a file that only its owner can read. */
export async function extractSealed(source: string, name: string, key: Uint8Array, target: string): Promise<void> {
  try {
    await pipeline(
      Readable.from(openSealed(source, name, key)),
      createWriteStream(target, { mode: 0o600, flags: 'wx' }),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(target, { force: true });
    throw error;
  }
}

/**
 * Sends a saved repository to its server, if that is empty.
 *
 * @returns `restored`, `same`, or `kept` when the server holds something else, which is never touched
 */
export async function restoreRepository(
  repository: SavedRepository,
  source: { path: string; name: string },
  key: Uint8Array,
  saved: Record<string, string>,
  dryRun: boolean,
  knownRemote?: GitRemote,
): Promise<'restored' | 'same' | 'kept'> {
  const remote = knownRemote ?? (await remoteWithCredentials(repository));
  const present = await references(remote);
  if (Object.keys(present).length > 0) return canonical(present) === canonical(saved) ? 'same' : 'kept';
  if (dryRun) return 'restored';
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  try {
    const bundle = join(folder, 'bundle');
    await extractSealed(source.path, source.name, key, bundle);
    await withMirror({ url: bundle }, (mirror) => pushAll(mirror, remote));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 'restored';
}
