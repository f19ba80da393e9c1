import { readFile } from 'node:fs/promises';
import type { StateSettings } from '../../model/state/settings.ts';
import { readKey } from '../files/sealed.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { KubernetesObject } from '../kubernetes/resources.ts';
import { exitCode, ProgramEnd } from '../program/exit.ts';
import { type CheckResult, checkSnapshot } from './check.ts';
import type { Manifest, SnapshotFile } from './manifest.ts';
import type { ArgoCdState } from './parts/argocd.ts';
import { historyLost, type KargoState } from './parts/kargo.ts';
import { extractSealed, restoreRepository } from './parts/repositories.ts';
import { restoreSecrets, type SecretsState } from './parts/secrets.ts';
import { restoreArgoCd } from './restore/argocd.ts';
import { type KargoOutcome, markDone, restoreKargo } from './restore/kargo.ts';
import { readJsonFile, takeSnapshot } from './snapshot.ts';
import { SnapshotStore } from './store.ts';

/** What every command works with. The client is made when it is needed: `verify` and `list` need no cluster. */
export interface CommandContext {
  readonly settings: StateSettings;
  readonly client: () => KubernetesClient;
  readonly now: () => Date;
  readonly log: (line: string) => void;
}

export const restorable = ['objects', 'secrets', 'repositories'] as const;
export type Restorable = (typeof restorable)[number];

/**
 * Takes a snapshot, reads it back, and makes it the latest if it is whole and lacks nothing.
 *
 * @param acceptLoss makes it the latest although the history it holds ends earlier than before (after a purge on purpose)
 */
export async function snapshot(context: CommandContext, options: { acceptLoss: boolean }): Promise<Manifest> {
  const { settings, log } = context;
  const store = new SnapshotStore(settings.folder);
  const key = await readKey(settings.keyFile);
  const manifest = await takeSnapshot({ ...context, client: context.client(), store, key });
  const checked = await checkSnapshot(store, manifest.id, key, settings);
  refuseDamage(checked);
  const previous = await store.latest();
  const earlier = previous === undefined ? undefined : await store.manifest(previous).catch(() => undefined);
  const lost = options.acceptLoss ? [] : historyLost(earlier?.newest ?? {}, manifest.newest);
  const missing = [...checked.missing, ...lost];
  log(`snapshot ${manifest.id}: ${countsText(manifest)}`);
  if (missing.length > 0) {
    throw new ProgramEnd(
      exitCode.incomplete,
      `snapshot ${manifest.id} is kept but does not become the latest; it lacks:\n  ${missing.join('\n  ')}` +
        `\n${previous === undefined ? 'There is no latest snapshot yet.' : `The latest stays ${previous}.`}`,
    );
  }
  await store.setLatest(manifest.id);
  log(`checked; it is the latest`);
  for (const id of await store.prune(settings.retention, context.now())) log(`removed ${id} (retention)`);
  return manifest;
}

/**
 * Fails if there is a snapshot: a new key would lock it away. Needs neither key nor cluster.
 *
 * @throws ProgramEnd `refused` naming the newest snapshot
 */
export async function probe(context: CommandContext): Promise<void> {
  const store = new SnapshotStore(context.settings.folder);
  const newest = (await store.ids()).at(-1);
  if (newest === undefined) {
    context.log(`no snapshot in ${context.settings.folder}: a new key locks nothing away`);
    return;
  }
  throw new ProgramEnd(
    exitCode.refused,
    `${context.settings.folder} holds snapshots (the newest is ${newest}) that only their own key opens: give that key ` +
      'instead of generating a new one, or move the snapshots away',
  );
}

/** Checks one snapshot (the latest, unless named), or all of them; throws with every problem. */
export async function verify(
  context: CommandContext,
  options: { id?: string | undefined; all: boolean },
): Promise<void> {
  const { settings, log } = context;
  const store = new SnapshotStore(settings.folder);
  const key = await readKey(settings.keyFile);
  const ids = options.all ? await store.ids() : [options.id ?? (await latestOf(store))];
  if (ids.length === 0) throw new ProgramEnd(exitCode.noSnapshot, `there is no snapshot in ${settings.folder}`);
  const problems: string[] = [];
  for (const id of ids) {
    try {
      const { damage, missing, manifest } = await checkSnapshot(store, id, key, settings);
      problems.push(...damage);
      const state = damage.length > 0 ? 'DAMAGED' : missing.length > 0 ? `lacks ${missing.join(', ')}` : 'whole';
      log(`${id}: ${state}; ${countsText(manifest)}`);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  if (problems.length > 0) throw new ProgramEnd(exitCode.damaged, problems.join('\n  '));
}

/** Lists what there is, newest last, with a mark at the latest. */
export async function list(context: CommandContext): Promise<void> {
  const store = new SnapshotStore(context.settings.folder);
  const latest = await store.latest();
  const ids = await store.ids();
  if (ids.length === 0) context.log('no snapshots yet');
  for (const id of ids) {
    const manifest = await store.manifest(id).catch(() => undefined);
    const text = manifest === undefined ? 'unreadable manifest' : countsText(manifest);
    const lacks = (manifest?.missing ?? []).length > 0 ? `, lacks ${manifest?.missing.join(', ')}` : '';
    context.log(`${id === latest ? '*' : ' '} ${id}  ${text}${lacks}`);
  }
}

export interface RestoreOptions {
  readonly id?: string | undefined;
  readonly desiredFile?: string | undefined;
  readonly dryRun: boolean;
  readonly ifNeeded: boolean;
  readonly only: readonly Restorable[];
}

/** Brings back what the chosen snapshot holds; see the functions in restore/ for what that means for each kind. */
export async function restore(context: CommandContext, options: RestoreOptions): Promise<void> {
  const { settings, log } = context;
  const started = Date.now();
  const store = new SnapshotStore(settings.folder);
  const id = options.id ?? (await store.latest());
  if (id === undefined) {
    if (options.ifNeeded) {
      log(`there is no snapshot in ${settings.folder}: nothing to restore`);
      if (settings.kargo !== undefined && options.only.includes('objects') && !options.dryRun) {
        await markDone({ ...context, client: context.client() }, settings.kargo.controllerNamespace, 'none');
      }
      return;
    }
    throw new ProgramEnd(exitCode.noSnapshot, `there is no snapshot in ${settings.folder}; nothing was changed`);
  }
  const key = await readKey(settings.keyFile);
  const { manifest } = await trusted(store, id, key, settings);
  log(`snapshot ${id}: ${countsText(manifest)}`);
  const desired = options.desiredFile === undefined ? [] : await readDesired(options.desiredFile);
  const fileOf = (name: string): SnapshotFile | undefined => manifest.files.find((file) => file.name === name);

  const secrets = fileOf('secrets');
  if (options.only.includes('secrets') && secrets !== undefined) {
    const state = await readJsonFile<SecretsState>(store, secrets, key);
    const { made, kept } = await restoreSecrets(context.client(), state, options.dryRun);
    log(`Secrets: ${would(options.dryRun)} ${made.join(', ') || 'none'}; already there: ${kept.join(', ') || 'none'}`);
  }
  if (options.only.includes('repositories')) await restoreRepositories(context, store, manifest, key, options.dryRun);
  if (options.only.includes('objects') && fileOf('kargo') !== undefined) {
    const outcome: KargoOutcome = await restoreKargo(
      { ...context, client: context.client(), desired, dryRun: options.dryRun, ifNeeded: options.ifNeeded },
      id,
      async (wanted) => {
        const other = await trusted(store, wanted, key, settings);
        const file = other.manifest.files.find((candidate) => candidate.name === 'kargo');
        if (file === undefined) throw new Error(`snapshot ${wanted} holds no Kargo objects`);
        return readJsonFile<KargoState>(store, file, key);
      },
    );
    log(`Kargo: ${outcome}`);
  }
  const argocd = fileOf('argocd');
  if (options.only.includes('objects') && argocd !== undefined) {
    const state = await readJsonFile<ArgoCdState>(store, argocd, key);
    const how = { system: settings.system, desired, dryRun: options.dryRun };
    const result = await restoreArgoCd(context.client(), state, how);
    log(`Argo CD: ${would(options.dryRun)} ${result.made.join(', ') || 'nothing'}`);
    if (result.kept.length > 0) log(`already there, not touched: ${result.kept.join(', ')}`);
    if (result.dropped.length > 0) log(`no longer in Git, so not made: ${result.dropped.join(', ')}`);
  }
  log(`${options.dryRun ? 'dry run, nothing was changed' : 'done'} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

async function restoreRepositories(
  context: CommandContext,
  store: SnapshotStore,
  manifest: Manifest,
  key: Uint8Array,
  dryRun: boolean,
): Promise<void> {
  for (const repository of context.settings.repositories ?? []) {
    const file = manifest.files.find((candidate) => candidate.name === `repository:${repository.name}`);
    if (file === undefined) {
      context.log(`repository ${repository.name}: not in the snapshot`);
      continue;
    }
    const source = { path: store.pathOf(file.path), name: file.path };
    const saved = manifest.references[repository.name] ?? {};
    const outcome = await restoreRepository(repository, source, key, saved, dryRun);
    const words = {
      restored: `${would(dryRun)} ${Object.keys(saved).length} branches and tags`,
      same: 'holds exactly what the snapshot holds',
      kept: 'is not empty and holds something else; not touched',
    };
    context.log(`repository ${repository.name}: ${words[outcome]}`);
  }
}

/** Writes one opened file of a snapshot, for example the database dump for pg_restore. */
export async function extract(
  context: CommandContext,
  options: { id?: string | undefined; name: string; target: string },
): Promise<void> {
  const { settings } = context;
  const store = new SnapshotStore(settings.folder);
  const key = await readKey(settings.keyFile);
  const id = options.id ?? (await latestOf(store));
  const { manifest } = await trusted(store, id, key, settings);
  const file = manifest.files.find((candidate) => candidate.name === options.name);
  if (file === undefined) {
    const names = manifest.files.map((candidate) => candidate.name).join(', ');
    throw new ProgramEnd(exitCode.usage, `snapshot ${id} holds no ${options.name}; it holds ${names}`);
  }
  await extractSealed(store.pathOf(file.path), file.path, key, options.target);
  context.log(`${options.name} of snapshot ${id} is in ${options.target}`);
}

async function trusted(
  store: SnapshotStore,
  id: string,
  key: Uint8Array,
  settings: StateSettings,
): Promise<CheckResult> {
  const checked = await checkSnapshot(store, id, key, settings).catch((error: Error) => {
    throw new ProgramEnd(exitCode.noSnapshot, error.message, { cause: error });
  });
  refuseDamage(checked);
  return checked;
}

function refuseDamage(checked: CheckResult): void {
  if (checked.damage.length === 0) return;
  throw new ProgramEnd(
    exitCode.damaged,
    `snapshot ${checked.manifest.id} cannot be trusted:\n  ${checked.damage.join('\n  ')}\n` +
      'choose an older one with --snapshot (the command list shows them)',
  );
}

async function latestOf(store: SnapshotStore): Promise<string> {
  const id = await store.latest();
  if (id === undefined) throw new ProgramEnd(exitCode.noSnapshot, `there is no snapshot in ${store.folder}`);
  return id;
}

async function readDesired(path: string): Promise<KubernetesObject[]> {
  const value: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (!Array.isArray(value)) throw new ProgramEnd(exitCode.usage, `${path}: it must be a list of objects`);
  return value as KubernetesObject[];
}

function countsText(manifest: Manifest): string {
  return Object.entries(manifest.counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function would(dryRun: boolean): string {
  return dryRun ? 'would bring back' : 'brought back';
}
