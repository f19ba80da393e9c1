import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Retention } from '../../model/state/settings.ts';
import { explained, syncFolder, UNFINISHED, writeFileAtomically } from '../files/atomic.ts';
import type { Manifest } from './manifest.ts';

const ID = /^\d{8}T\d{9}Z$/;
const DAY = 24 * 3600 * 1000;

/** `20261127T172900123Z`: sorts by time, needs no escaping anywhere. */
export function snapshotId(time: Date): string {
  return time.toISOString().replaceAll(/[-:.]/g, '');
}

/** The moment in the name of a snapshot. */
export function timeOfId(id: string): Date {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(id);
  if (parts === null) throw new Error(`${id} is no name of a snapshot`);
  const [, y, mo, d, h, mi, s, ms] = parts;
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}.${ms}Z`);
}

/**
 * The snapshots of one part on its volume:
 *
 *     snapshots/<id>/manifest.json, snapshots/<id>/*.sealed
 *     snapshots/latest                  the id of the newest whole one
 *     bundles/<repository>-<hash>.sealed   shared by the snapshots that saw the same branches
 */
export class SnapshotStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get #snapshots(): string {
    return join(this.folder, 'snapshots');
  }

  /** Where the files of a snapshot are collected before it is finished. */
  async begin(id: string): Promise<string> {
    const path = join(this.#snapshots, `${UNFINISHED}${id}`);
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw explained(error, path);
    }
    return path;
  }

  /** Gives a collected snapshot its name: from now on it exists. */
  async finish(manifest: Manifest): Promise<void> {
    const collected = join(this.#snapshots, `${UNFINISHED}${manifest.id}`);
    await writeFileAtomically(join(collected, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(collected, join(this.#snapshots, manifest.id));
    await syncFolder(this.#snapshots);
  }

  async abandon(id: string): Promise<void> {
    await rm(join(this.#snapshots, `${UNFINISHED}${id}`), { recursive: true, force: true });
  }

  /** Makes a checked snapshot the one that a restore takes. An older one never replaces a newer. */
  async setLatest(id: string): Promise<void> {
    const present = await this.latest();
    if (present !== undefined && present >= id) return;
    await writeFileAtomically(join(this.#snapshots, 'latest'), `${id}\n`);
  }

  /** Id of the snapshot that a restore takes, or undefined when there is none yet. */
  async latest(): Promise<string | undefined> {
    const text = await readFile(join(this.#snapshots, 'latest'), 'utf8').catch(unlessMissing);
    if (text === undefined) return undefined;
    const id = text.trim();
    if (!ID.test(id))
      throw new Error(`${join(this.#snapshots, 'latest')} holds ${JSON.stringify(id)}, no snapshot's name`);
    return id;
  }

  /** Ids of all finished snapshots, oldest first. */
  async ids(): Promise<string[]> {
    const names = (await readdir(this.#snapshots).catch(unlessMissing)) ?? [];
    return names.filter((name) => ID.test(name)).sort();
  }

  /** @throws Error when there is no such snapshot or its manifest is not readable */
  async manifest(id: string): Promise<Manifest> {
    const path = join(this.#snapshots, id, 'manifest.json');
    const text = await readFile(path, 'utf8').catch(unlessMissing);
    if (text === undefined) throw new Error(`there is no snapshot ${id} in ${this.#snapshots}`);
    let manifest: Manifest;
    try {
      manifest = JSON.parse(text) as Manifest;
    } catch (error) {
      throw new Error(`${path}: truncated or altered, it is no JSON`, { cause: error });
    }
    if (manifest.format !== 'state-snapshot/1') {
      throw new Error(`${path}: format ${String(manifest.format)}; this program reads state-snapshot/1`);
    }
    if (manifest.id !== id) throw new Error(`${path}: it belongs to snapshot ${String(manifest.id)}`);
    return manifest;
  }

  /** The path of a file that a manifest names; never outside the folder. */
  pathOf(relative: string): string {
    if (relative.split('/').some((part) => part === '..' || part === '')) {
      throw new Error(`${relative}: no path of a snapshot's file`);
    }
    return join(this.folder, relative);
  }

  /**
   * Deletes what the retention no longer keeps; the latest snapshot always stays, and so does the newest of those that lack
   * something. Bundles go when no snapshot names them.
   */
  async prune(retention: Retention, now: Date): Promise<string[]> {
    const ids = await this.ids();
    const keep = new Set(idsToKeep(ids, await this.latest(), retention, now));
    const removed: string[] = [];
    for (const id of ids.filter((candidate) => !keep.has(candidate))) {
      // Renamed first: a half-deleted snapshot must not look like one.
      const doomed = join(this.#snapshots, `${UNFINISHED}${id}`);
      await rename(join(this.#snapshots, id), doomed);
      await rm(doomed, { recursive: true, force: true });
      removed.push(id);
    }
    await this.#removeLeftovers(this.#snapshots, now);
    await this.#removeUnusedBundles(now);
    return removed;
  }

  async #removeUnusedBundles(now: Date): Promise<void> {
    const folder = join(this.folder, 'bundles');
    const used = new Set<string>();
    for (const id of await this.ids()) {
      for (const file of (await this.manifest(id)).files) used.add(basename(file.path));
    }
    await this.#removeLeftovers(folder, now);
    for (const name of (await readdir(folder).catch(unlessMissing)) ?? []) {
      const path = join(folder, name);
      // A young one may belong to a snapshot that is being taken right now.
      const old = now.getTime() - (await stat(path)).mtimeMs > DAY;
      if (!used.has(name) && old && !name.startsWith(UNFINISHED)) await rm(path, { force: true });
    }
  }

  async #removeLeftovers(folder: string, now: Date): Promise<void> {
    for (const name of (await readdir(folder).catch(unlessMissing)) ?? []) {
      if (!name.startsWith(UNFINISHED)) continue;
      const path = join(folder, name);
      if (now.getTime() - (await stat(path)).mtimeMs > DAY) await rm(path, { recursive: true, force: true });
    }
  }
}

/** Which snapshots stay: the newest `recent`, the newest of each day for `daily` days, and the latest. */
export function idsToKeep(
  ids: readonly string[],
  latest: string | undefined,
  retention: Retention,
  now: Date,
): readonly string[] {
  const newestFirst = [...ids].sort().reverse();
  const keep = new Set(newestFirst.slice(0, Math.max(1, retention.recent)));
  if (latest !== undefined) keep.add(latest);
  const days = new Set<string>();
  for (const id of newestFirst) {
    const day = id.slice(0, 8);
    const age = now.getTime() - timeOfId(id).getTime();
    if (days.has(day) || age > retention.daily * DAY) continue;
    days.add(day);
    keep.add(id);
  }
  return ids.filter((id) => keep.has(id));
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
