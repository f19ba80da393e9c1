import { setTimeout as delay } from 'node:timers/promises';
import { gitOpsFieldManager, type StateSettings } from '../../../model/state/settings.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { isReason } from '../../kubernetes/errors.ts';
import {
  FREIGHTS,
  type KubernetesObject,
  NAMESPACES,
  PROJECTS,
  PROMOTION_TASKS,
  PROMOTIONS,
  type Resource,
  STAGES,
  WAREHOUSES,
} from '../../kubernetes/resources.ts';
import { exitCode, ProgramEnd } from '../../program/exit.ts';
import { byName, type KargoState, readKargoState, stageOf } from '../parts/kargo.ts';
import { differences } from './compare.ts';
import {
  hasEnded,
  keptAnnotations,
  restoredMetadata,
  restoredPromotionStatus,
  restoredStageStatus,
  type UidOf,
} from './convert.ts';
import { type RestoreMark, readMark, writeMark } from './marker.ts';
import { obstacles } from './obstacles.ts';

/** How many objects are made at the same time. */
const AT_ONCE = 8;

export interface KargoRestoreContext {
  readonly settings: StateSettings;
  readonly client: KubernetesClient;
  readonly now: () => Date;
  readonly log: (line: string) => void;
  /** Objects that Git owns; their specs win over the snapshot's. */
  readonly desired: readonly KubernetesObject[];
  readonly dryRun: boolean;
  /** A cluster that holds its own state is left alone instead of being refused. */
  readonly ifNeeded: boolean;
}

export type KargoOutcome = 'restored' | 'already-restored' | 'present' | 'newer' | 'would-restore';

/** Gives the state of a snapshot by its id, after checking it. */
export type Loader = (id: string) => Promise<KargoState>;

/**
 * Brings Kargo's objects back: Project, Warehouses and Stages with the specs of Git, status, Freight and Promotions from the snapshot.
 * Can be killed at any point and run again. ProjectConfigs are left to the end of the installation, because they start
 * automatic promotions.
 *
 * @throws ProgramEnd `refused` with every obstacle, or when the cluster holds newer objects
 */
export async function restoreKargo(context: KargoRestoreContext, chosen: string, load: Loader): Promise<KargoOutcome> {
  const { client, log, dryRun } = context;
  const kargo = kargoSettings(context.settings);
  const earlier = await readMark(client, kargo.controllerNamespace);
  if (earlier?.phase === 'done' && (await holdsHistory(client, kargo.project))) {
    log(`the restore ended at ${earlier.finishedAt} (snapshot ${earlier.snapshot}); nothing to do`);
    return 'already-restored';
  }
  // A mark of a restore that ended, in a project that is empty: its objects were purged since. It counts no more.
  const mark = earlier?.phase === 'running' ? earlier : undefined;
  if (mark !== undefined) log(`going on with the restore of snapshot ${mark.snapshot} that began at ${mark.startedAt}`);
  const snapshot = mark?.snapshot ?? chosen;
  const saved = await load(snapshot);
  if (mark === undefined) {
    const present = await stateOfCluster(context, saved);
    if (present !== undefined) {
      if (!dryRun) await markDone(context, kargo.controllerNamespace, snapshot);
      return present;
    }
  }
  const inTheWay = await obstacles(client, kargo.controllerNamespace);
  if (dryRun) {
    describe(saved, context.desired, log);
    for (const obstacle of inTheWay) log(`in the way: ${obstacle}`);
    return 'would-restore';
  }
  if (inTheWay.length > 0) {
    throw new ProgramEnd(exitCode.refused, `not restored, because\n  ${inTheWay.join('\n  ')}`);
  }
  const running: RestoreMark = mark ?? { snapshot, phase: 'running', startedAt: context.now().toISOString() };
  await writeMark(client, kargo.controllerNamespace, running);
  await bringBack(context, saved, running, kargo.spacedPerStage);
  await writeMark(client, kargo.controllerNamespace, {
    ...running,
    phase: 'done',
    finishedAt: context.now().toISOString(),
  });
  return 'restored';
}

/**
 * Notes that nothing is left to restore, so that snapshots count from now on: teardown asks for this mark.
 *
 * @param snapshot the one that was looked at, or `none`
 */
export async function markDone(
  context: { readonly client: KubernetesClient; readonly now: () => Date },
  namespace: string,
  snapshot: string,
): Promise<void> {
  const mark = await readMark(context.client, namespace);
  if (mark?.phase === 'done') return;
  const at = context.now().toISOString();
  await writeMark(context.client, namespace, { snapshot, phase: 'done', startedAt: at, finishedAt: at });
}

async function holdsHistory(client: KubernetesClient, project: string): Promise<boolean> {
  const present = await readKargoState(client, project);
  return present.promotions.length + present.freights.length > 0;
}

function kargoSettings(settings: StateSettings): NonNullable<StateSettings['kargo']> {
  if (settings.kargo === undefined) throw new ProgramEnd(exitCode.usage, 'the settings have no section "kargo"');
  return settings.kargo;
}

/** Decides whether there is anything to restore; undefined means yes. */
async function stateOfCluster(context: KargoRestoreContext, saved: KargoState): Promise<KargoOutcome | undefined> {
  const present = await readKargoState(context.client, saved.project);
  const names = (objects: readonly KubernetesObject[]): Set<string> =>
    new Set(objects.map((object) => object.metadata.name ?? ''));
  const kinds = ['freights', 'promotions'] as const;
  const lacking = kinds.flatMap((kind) => {
    const there = names(present[kind]);
    return saved[kind].filter((object) => !there.has(object.metadata.name ?? ''));
  });
  const savedStages = new Set(saved.stages.map((stage) => stage.metadata.name));
  const stagesLacking = [...savedStages].filter((name) => !names(present.stages).has(name ?? ''));
  if (lacking.length === 0 && stagesLacking.length === 0 && present.projects.length > 0) {
    context.log('the cluster holds everything that is in the snapshot; nothing to restore');
    return 'present';
  }
  const newer = kinds.flatMap((kind) => {
    const known = names(saved[kind]);
    return present[kind].filter((object) => !known.has(object.metadata.name ?? ''));
  });
  const existing = present.promotions.length + present.freights.length;
  if (newer.length === 0 && existing === 0) return undefined;
  const examples = newer.slice(0, 3).map((object) => `${object.kind} ${object.metadata.name}`);
  const reason =
    newer.length > 0
      ? `the cluster holds ${newer.length} objects that are not in the snapshot (${examples.join(', ')})`
      : `the cluster already holds ${existing} of the objects, and no restore was under way`;
  if (context.ifNeeded) {
    context.log(`${reason}; its own state is kept`);
    return 'newer';
  }
  throw new ProgramEnd(exitCode.refused, `not restored: ${reason}; a restore never overwrites newer state`);
}

async function bringBack(
  context: KargoRestoreContext,
  saved: KargoState,
  mark: RestoreMark,
  spacedPerStage: number,
): Promise<void> {
  const { client, log } = context;
  const uids = new Map<string, string>();
  const uidOf: UidOf = (kind, name) => uids.get(`${kind}/${name}`);
  const promotions = new Map(saved.promotions.map((promotion) => [promotion.metadata.name ?? '', promotion]));

  await ensureNamespace(client, saved);
  for (const [resource, objects] of [
    [PROJECTS, saved.projects],
    [PROMOTION_TASKS, saved.promotionTasks],
    [WAREHOUSES, saved.warehouses],
    [STAGES, saved.stages],
  ] as const) {
    for (const object of merged(resource, objects, context.desired, saved.project)) {
      const made = await applyObject(client, resource, object, uidOf);
      uids.set(`${resource.kind}/${made.metadata.name}`, made.metadata.uid ?? '');
    }
  }
  log(`project, ${saved.warehouses.length} warehouses, ${saved.stages.length} stages: done`);

  await inBatches(saved.freights, (freight) => makeWithStatus(client, FREIGHTS, freight, freight.status, uidOf));
  log(`${saved.freights.length} freight: done`);

  const { bulk, spaced } = inOrder(saved.promotions, spacedPerStage);
  const make = (promotion: KubernetesObject): Promise<boolean> =>
    makeWithStatus(
      client,
      PROMOTIONS,
      promotion,
      restoredPromotionStatus(promotion, mark.snapshot, mark.startedAt),
      uidOf,
    );
  // Side by side by stage, one after the other within a stage: time stamps have to rise in a stage's history.
  const lanes = new Map<string, KubernetesObject[]>();
  for (const promotion of bulk) {
    const lane = lanes.get(stageOf(promotion));
    if (lane === undefined) lanes.set(stageOf(promotion), [promotion]);
    else lane.push(promotion);
  }
  await Promise.all([...lanes.values()].map((lane) => inTurn(lane, make)));
  for (const promotion of spaced) {
    const started = Date.now();
    if (await make(promotion)) await delay(Math.max(0, 1005 - (Date.now() - started)));
  }
  const interrupted = saved.promotions.filter((promotion) => !hasEnded(promotion));
  log(`${saved.promotions.length} promotions: done`);
  for (const promotion of interrupted) {
    log(`aborted, because it was under way: ${promotion.metadata.name} (stage ${stageOf(promotion)})`);
  }

  for (const object of saved.projects) await writeStatus(client, PROJECTS, object, object.status);
  for (const object of saved.warehouses) await writeStatus(client, WAREHOUSES, object, object.status);
  for (const stage of saved.stages) await writeStatus(client, STAGES, stage, restoredStageStatus(stage, promotions));
  log('status of project, warehouses and stages: done');

  const wrong = differences(saved, await readKargoState(client, saved.project), mark);
  if (wrong.length > 0) {
    throw new ProgramEnd(
      exitCode.damaged,
      `restored, but not equal to the snapshot:\n  ${wrong.slice(0, 20).join('\n  ')}\nrun again, or look who else writes`,
    );
  }
}

/** The saved objects with the specs of Git where there are such; annotations that Kargo itself keeps stay. */
function merged(
  resource: Resource,
  saved: readonly KubernetesObject[],
  desired: readonly KubernetesObject[],
  project: string,
): { object: KubernetesObject; extra: Record<string, string>; fromGit: boolean }[] {
  const wanted = desired.filter(
    (object) =>
      object.kind === resource.kind &&
      (resource.namespaced ? object.metadata.namespace === project : object.metadata.name === project),
  );
  const known = new Map(saved.map((object) => [object.metadata.name, object]));
  const fromGit = wanted.map((object) => ({
    object,
    extra: keptAnnotations(known.get(object.metadata.name)?.metadata ?? {}, object.metadata),
    fromGit: true,
  }));
  const names = new Set(wanted.map((object) => object.metadata.name));
  const fromSnapshot = saved
    .filter((object) => !names.has(object.metadata.name))
    .map((object) => ({ object, extra: {}, fromGit: false }));
  return [...fromGit, ...fromSnapshot];
}

async function applyObject(
  client: KubernetesClient,
  resource: Resource,
  { object, extra, fromGit }: { object: KubernetesObject; extra: Record<string, string>; fromGit: boolean },
  uidOf: UidOf,
): Promise<KubernetesObject> {
  const { status: _, ...rest } = object;
  const wanted = fromGit ? rest : { ...rest, metadata: restoredMetadata(object.metadata, uidOf) };
  const made = await client.apply(resource, wanted as KubernetesObject, { fieldManager: gitOpsFieldManager });
  if (Object.keys(extra).length === 0) return made;
  const { name, namespace } = object.metadata;
  const where = { name: name ?? '', namespace };
  return client.patch(resource, where, { metadata: { annotations: extra } }, { fieldManager: 'kargo' });
}

/** Makes an object and gives it its status; false if it was there already (its status is written all the same). */
async function makeWithStatus(
  client: KubernetesClient,
  resource: Resource,
  object: KubernetesObject,
  status: unknown,
  uidOf: UidOf,
): Promise<boolean> {
  const { status: _, ...content } = object;
  const wanted = { ...content, metadata: restoredMetadata(object.metadata, uidOf) } as KubernetesObject;
  let made: KubernetesObject;
  let isNew = true;
  try {
    made = await client.create(resource, wanted, { fieldManager: 'kargo' });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    isNew = false;
    const { name, namespace } = object.metadata;
    made = await client.get(resource, name ?? '', namespace);
  }
  if (status !== undefined) await client.replaceStatus(resource, { ...made, status }, { fieldManager: 'kargo' });
  return isNew;
}

async function writeStatus(
  client: KubernetesClient,
  resource: Resource,
  object: KubernetesObject,
  status: unknown,
): Promise<void> {
  if (status === undefined) return;
  const { name, namespace } = object.metadata;
  const present = await client.find(resource, name ?? '', namespace);
  if (present !== undefined) await client.replaceStatus(resource, { ...present, status }, { fieldManager: 'kargo' });
}

/** The namespace is made by the installation; a restore by hand may come first. */
async function ensureNamespace(client: KubernetesClient, saved: KargoState): Promise<void> {
  if ((await client.find(NAMESPACES, saved.project)) !== undefined) return;
  const { labels, annotations } = saved.namespace.metadata;
  await client.create(NAMESPACES, {
    metadata: {
      name: saved.project,
      labels: { ...labels, 'kargo.akuity.io/project': 'true' },
      annotations: { ...annotations, 'kargo.akuity.io/keep-namespace': 'true' },
    },
  });
}

/** First the many, then the newest of each stage, which get time stamps of their own. Each part oldest first. */
export function inOrder(
  promotions: readonly KubernetesObject[],
  spacedPerStage: number,
): { bulk: KubernetesObject[]; spaced: KubernetesObject[] } {
  const byTime = [...promotions].sort((a, b) => {
    const [x, y] = [timeInName(a), timeInName(b)];
    return x < y ? -1 : x > y ? 1 : byName(a, b);
  });
  const counted = new Map<string, number>();
  const spaced = new Set<KubernetesObject>();
  for (const promotion of [...byTime].reverse()) {
    const stage = stageOf(promotion);
    const count = counted.get(stage) ?? 0;
    if (count >= spacedPerStage) continue;
    counted.set(stage, count + 1);
    spaced.add(promotion);
  }
  return {
    bulk: byTime.filter((promotion) => !spaced.has(promotion)),
    spaced: byTime.filter((promotion) => spaced.has(promotion)),
  };
}

/** The ULID in `<stage>.<ulid>.<freight>`: sorts by time across stages. */
function timeInName(promotion: KubernetesObject): string {
  const parts = (promotion.metadata.name ?? '').split('.');
  return parts[parts.length - 2] ?? '';
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (const item of items) await work(item);
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) await Promise.all(items.slice(at, at + AT_ONCE).map(work));
}

/** What would come back, for a dry run. */
function describe(saved: KargoState, desired: readonly KubernetesObject[], log: (line: string) => void): void {
  const inGit = new Set(desired.map((object) => `${object.kind}/${object.metadata.name}`));
  const kinds = [
    ['Project', saved.projects],
    ['PromotionTask', saved.promotionTasks],
    ['Warehouse', saved.warehouses],
    ['Stage', saved.stages],
  ] as const;
  for (const [kind, objects] of kinds) {
    for (const object of objects) {
      const origin = inGit.has(`${kind}/${object.metadata.name}`)
        ? 'spec from Git'
        : 'not in Git: spec from the snapshot';
      log(`would restore ${kind} ${object.metadata.name} (${origin}, status from the snapshot)`);
    }
  }
  log(`would restore ${saved.freights.length} Freight`);
  for (const stage of saved.stages) {
    const name = stage.metadata.name ?? '';
    const own = saved.promotions.filter((promotion) => stageOf(promotion) === name);
    log(
      `would restore ${own.length} Promotions of stage ${name}${own.length > 0 ? `, newest ${own.at(-1)?.metadata.name}` : ''}`,
    );
  }
  for (const promotion of saved.promotions.filter((candidate) => !hasEnded(candidate))) {
    log(`would abort Promotion ${promotion.metadata.name}, which was under way`);
  }
  const configs = [...saved.projectConfigs, ...desired.filter((object) => object.kind === 'ProjectConfig')];
  for (const name of new Set(configs.map((config) => config.metadata.name))) {
    log(`left to the end of the installation: ProjectConfig ${name}`);
  }
}
