import { stat } from 'node:fs/promises';
import type { StateSettings } from '../../model/state/settings.ts';
import { keyFingerprint, openSealed } from '../files/sealed.ts';
import { sha256OfFile } from '../files/sha256.ts';
import { canonical, type Manifest, manifestIsWhole, type SnapshotFile } from './manifest.ts';
import { type ArgoCdState, missingFromArgoCd } from './parts/argocd.ts';
import { type KargoState, kargoCounts, missingFromKargo } from './parts/kargo.ts';
import { bundleReferences } from './parts/repositories.ts';
import type { SecretsState } from './parts/secrets.ts';
import { readJsonFile } from './snapshot.ts';
import type { SnapshotStore } from './store.ts';

/** What a check found. `damage`: it cannot be trusted. `missing`: it is whole, but lacks something known to exist. */
export interface CheckResult {
  manifest: Manifest;
  damage: string[];
  missing: string[];
}

/**
 * Reads a snapshot back from its volume: seal of the manifest, size, checksum and seal of every file, and that each holds what the
 * manifest says. All problems are listed.
 *
 * @throws Error when there is no such snapshot or no readable manifest
 */
export async function checkSnapshot(
  store: SnapshotStore,
  id: string,
  key: Uint8Array,
  settings?: StateSettings,
): Promise<CheckResult> {
  const manifest = await store.manifest(id);
  const result: CheckResult = { manifest, damage: [], missing: [...manifest.missing] };
  if (manifest.keyFingerprint !== keyFingerprint(key)) {
    result.damage.push(
      `snapshot ${id} was sealed with another key (${manifest.keyFingerprint}, not ${keyFingerprint(key)}): ` +
        'give the key that the system had then',
    );
    return result;
  }
  if (!manifestIsWhole(manifest, key)) {
    result.damage.push(`snapshots/${id}/manifest.json was altered: its seal does not fit`);
    return result;
  }
  if (settings !== undefined && !isOurs(manifest, settings)) {
    result.damage.push(
      `snapshot ${id} is of ${manifest.system}/${manifest.part}, not of ${settings.system}/${settings.part}`,
    );
  }
  for (const file of manifest.files) {
    try {
      await checkFile(store, file, key, result, settings);
    } catch (error) {
      result.damage.push((error as Error).message);
    }
  }
  result.missing = [...new Set(result.missing)];
  return result;
}

function isOurs(manifest: Manifest, { system, predecessors = [], part }: StateSettings): boolean {
  return [system, ...predecessors].includes(manifest.system) && manifest.part === part;
}

async function checkFile(
  store: SnapshotStore,
  file: SnapshotFile,
  key: Uint8Array,
  result: CheckResult,
  settings: StateSettings | undefined,
): Promise<void> {
  const path = store.pathOf(file.path);
  const size = (await stat(path).catch(() => undefined))?.size;
  if (size === undefined) throw new Error(`${file.path} is missing`);
  if (size !== file.bytes) throw new Error(`${file.path} is truncated: ${size} bytes instead of ${file.bytes}`);
  if ((await sha256OfFile(path)) !== file.sha256)
    throw new Error(`${file.path} was altered: its checksum does not fit`);
  const { counts } = result.manifest;
  const expect = (name: string, found: number): void => {
    if (counts[name] !== found)
      throw new Error(`${file.path} holds ${found} ${name}, the manifest says ${counts[name]}`);
  };
  if (file.name === 'kargo') {
    const state = await readJsonFile<KargoState>(store, file, key);
    for (const [name, count] of Object.entries(kargoCounts(state))) expect(name, count);
    result.missing.push(...missingFromKargo(state, settings?.kargo?.stages ?? []));
  } else if (file.name === 'argocd') {
    const state = await readJsonFile<ArgoCdState>(store, file, key);
    expect('applications', state.applications.length);
    expect('appProjects', state.appProjects.length);
    result.missing.push(...missingFromArgoCd(state, settings?.argocd?.applications ?? []));
  } else if (file.name === 'secrets') {
    expect('secrets', (await readJsonFile<SecretsState>(store, file, key)).secrets.length);
  } else if (file.name.startsWith('repository:')) {
    const repository = file.name.slice('repository:'.length);
    const refs = await bundleReferences(path, file.path, key);
    if (canonical(refs) !== canonical(result.manifest.references[repository] ?? {})) {
      throw new Error(`${file.path} holds other branches than the manifest says`);
    }
  } else {
    for await (const _ of openSealed(path, file.path, key)) {
      // Opening to the end checks the seal.
    }
  }
}
