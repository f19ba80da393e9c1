import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { StateSettings } from '../../model/state/settings.ts';
import { keyFingerprint, readSealed, sealToFile } from '../files/sealed.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { type Manifest, type SnapshotFile, sealManifest } from './manifest.ts';
import { missingFromArgoCd, readArgoCdState } from './parts/argocd.ts';
import { kargoCounts, missingFromKargo, newestPromotions, readKargoState } from './parts/kargo.ts';
import { saveRepository } from './parts/repositories.ts';
import { readSecrets } from './parts/secrets.ts';
import { newestDump, readDump } from './parts/woodpecker.ts';
import { type SnapshotStore, snapshotId } from './store.ts';

/** What a snapshot is made with. */
export interface SnapshotContext {
  readonly settings: StateSettings;
  readonly client: KubernetesClient;
  readonly key: Uint8Array;
  readonly store: SnapshotStore;
  readonly now: () => Date;
  readonly log: (line: string) => void;
}

/**
 * Takes a snapshot: collects every file under a name that nobody reads, writes the manifest last, and gives the folder its name
 * in one step. A failure at any point leaves the earlier snapshots as they were. It does not become the latest here: first it
 * is checked (`checkSnapshot`).
 */
export async function takeSnapshot(context: SnapshotContext): Promise<Manifest> {
  const { settings, store, key } = context;
  const time = context.now();
  const id = snapshotId(time);
  const collected: Collected = { files: [], counts: {}, references: {}, newest: {}, missing: [] };
  await store.begin(id);
  try {
    await collectObjects(context, id, collected);
    await collectSecrets(context, id, collected);
    await collectDump(context, id, collected);
    for (const repository of settings.repositories ?? []) {
      const { file, refs } = await saveRepository(repository, key, settings.folder);
      collected.references[repository.name] = refs;
      collected.counts[`references of ${repository.name}`] = Object.keys(refs).length;
      if (file !== undefined) collected.files.push(file);
    }
    const manifest = sealManifest(
      {
        format: 'state-snapshot/1',
        id,
        system: settings.system,
        part: settings.part,
        takenAt: time.toISOString(),
        cluster: context.client.connection.context,
        keyFingerprint: keyFingerprint(key),
        counts: collected.counts,
        references: collected.references,
        newest: collected.newest,
        missing: collected.missing,
        files: collected.files,
      },
      key,
    );
    await store.finish(manifest);
    return manifest;
  } catch (error) {
    await store.abandon(id);
    throw error;
  }
}

interface Collected {
  files: SnapshotFile[];
  counts: Record<string, number>;
  references: Record<string, Record<string, string>>;
  newest: Record<string, string>;
  missing: string[];
}

async function collectObjects(
  { settings, client, key, store }: SnapshotContext,
  id: string,
  into: Collected,
): Promise<void> {
  if (settings.kargo !== undefined) {
    const state = await readKargoState(client, settings.kargo.project);
    Object.assign(into.counts, kargoCounts(state));
    into.missing.push(...missingFromKargo(state, settings.kargo.stages));
    into.newest = newestPromotions(state);
    into.files.push(await sealJson(store, id, 'kargo', state, key));
  }
  if (settings.argocd !== undefined) {
    const state = await readArgoCdState(client, settings.argocd.namespace);
    into.counts.appProjects = state.appProjects.length;
    into.counts.applications = state.applications.length;
    into.missing.push(...missingFromArgoCd(state, settings.argocd.applications));
    into.files.push(await sealJson(store, id, 'argocd', state, key));
  }
}

async function collectSecrets(context: SnapshotContext, id: string, into: Collected): Promise<void> {
  const { settings, client, key, store } = context;
  if ((settings.secrets ?? []).length === 0) return;
  const { state, missing } = await readSecrets(client, settings.secrets ?? []);
  into.counts.secrets = state.secrets.length;
  // A Secret may not exist yet (a provided one that is optional): said, but no reason to refuse the snapshot.
  for (const name of missing) context.log(`not there, so not saved: ${name}`);
  into.files.push(await sealJson(store, id, 'secrets', state, key));
}

async function collectDump(
  { settings, key, store, now, log }: SnapshotContext,
  id: string,
  into: Collected,
): Promise<void> {
  if (settings.woodpecker === undefined) return;
  const { dumpFolder, maxAgeHours } = settings.woodpecker;
  const dump = await newestDump(dumpFolder, maxAgeHours, now());
  if (dump === undefined) {
    // Right after an install the first dump is still to come, and the database itself is on the volume.
    const latest = await store.latest();
    const earlier = latest === undefined ? undefined : await store.manifest(latest);
    if (earlier?.files.some(({ name }) => name === 'woodpecker')) {
      throw new Error(`${dumpFolder}: the dumps of the Woodpecker database are gone`);
    }
    log(`there is no dump of the database in ${dumpFolder} yet`);
    return;
  }
  log(`database dump ${dump.name}, ${dump.bytes} bytes, of ${dump.time.toISOString()}`);
  into.counts['bytes of the database dump'] = dump.bytes;
  const path = filePath(id, 'woodpecker');
  const sealed = await sealToFile(store.pathOf(unfinishedPath(id, 'woodpecker')), path, key, readDump(dump));
  into.files.push({ name: 'woodpecker', path, ...sealed });
}

async function sealJson(
  store: SnapshotStore,
  id: string,
  name: string,
  value: unknown,
  key: Uint8Array,
): Promise<SnapshotFile> {
  const path = filePath(id, name);
  const text = await promisify(gzip)(JSON.stringify(value));
  return { name, path, ...(await sealToFile(store.pathOf(unfinishedPath(id, name)), path, key, [text])) };
}

/** Reads a JSON file of a snapshot. */
export async function readJsonFile<T>(store: SnapshotStore, file: SnapshotFile, key: Uint8Array): Promise<T> {
  const text = await promisify(gunzip)(await readSealed(store.pathOf(file.path), file.path, key));
  return JSON.parse(text.toString('utf8')) as T;
}

function filePath(id: string, name: string): string {
  return `snapshots/${id}/${name}.sealed`;
}
function unfinishedPath(id: string, name: string): string {
  return `snapshots/.unfinished-${id}/${name}.sealed`;
}
