import type { BuildView, DeskState, FreightView, QueuedPromotion, StageView } from '../api/types.ts';
import {
  createActorAnnotation,
  type FreightReference,
  isFinished,
  type KargoFreight,
  type KargoPromotion,
  type KargoStage,
} from '../kargo/types.ts';
import { eligibilityOf } from './eligibility.ts';

export interface StateContext {
  /** Repository of the image whose tag stands for the build. @default - the first image of the Freight */
  readonly image?: string;
  /** Stages in the order of the chain. */
  readonly stages: readonly { readonly name: string; readonly enabled: boolean }[];
  readonly now: Date;
}

/** Boils Kargo's objects down to what people look at. */
export function deskState(
  stages: readonly KargoStage[],
  freight: readonly KargoFreight[],
  context: StateContext,
): DeskState {
  const byName = new Map(stages.map((stage) => [stage.metadata?.name ?? '', stage]));
  const builds = new Map(freight.map((one) => [one.metadata?.name ?? '', one]));
  return {
    stages: context.stages.map(({ name }) => stageView(name, byName.get(name), builds, context)),
    freight: freight
      .map((one) => freightView(one, byName, context))
      .sort((a, b) => (b.discoveredAt ?? '').localeCompare(a.discoveredAt ?? '')),
  };
}

function stageView(
  name: string,
  stage: KargoStage | undefined,
  builds: ReadonlyMap<string, KargoFreight>,
  context: StateContext,
): StageView {
  const status = stage?.status;
  const deployed = Object.values(status?.freightHistory?.[0]?.items ?? {})[0];
  const last = status?.lastPromotion;
  const running = status?.currentPromotion;
  const lastPhase = last?.status?.phase;
  return {
    name,
    uid: stage?.metadata?.uid,
    current: deployed && {
      ...build(deployed, builds, context),
      since: builds.get(deployed.name ?? '')?.status?.currentlyIn?.[name]?.since ?? last?.finishedAt,
      verified: builds.get(deployed.name ?? '')?.status?.verifiedIn?.[name] !== undefined,
    },
    health: status?.health?.status ? { status: status.health.status, issues: status.health.issues ?? [] } : undefined,
    activity: activityOf(stage),
    running: running?.name
      ? { ...build(running.freight, builds, context), promotion: running.name, startedAt: running.status?.startedAt }
      : undefined,
    last:
      last?.name && lastPhase
        ? {
            ...build(last.freight, builds, context),
            promotion: last.name,
            result: lastPhase,
            finishedAt: last.finishedAt ?? last.status?.finishedAt,
            message: last.status?.message,
          }
        : undefined,
    hold: holdOf(stage),
  };
}

function activityOf(stage: KargoStage | undefined): StageView['activity'] {
  if (!stage) return { state: 'unknown', message: 'Kargo does not have this stage' };
  const conditions = new Map((stage.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const promoting = conditions.get('Promoting');
  if (promoting?.status === 'True' && promoting.reason !== 'NoFreight')
    return { state: 'promoting', message: promoting.message };
  const verified = conditions.get('Verified');
  if (verified?.status === 'Unknown' && verified.reason !== 'NoFreight')
    return { state: 'verifying', message: verified.message };
  const ready = conditions.get('Ready');
  // While Kargo tries again, the Ready condition holds the reason (such as the gate's refusal of an automatic promotion).
  if (conditions.get('Reconciling')?.status === 'True') return { state: 'reconciling', message: ready?.message };
  if (ready?.status === 'True') return { state: 'ready' };
  if (ready?.status === 'False' && ready.reason !== 'NoFreight') return { state: 'failed', message: ready.message };
  return { state: 'unknown', message: ready?.message };
}

function holdOf(stage: KargoStage | undefined): string | undefined {
  const hold = Object.values(stage?.status?.effectiveAutoPromotionHolds ?? {})[0];
  return hold && `automatic promotion is on hold${hold.actor ? ` (${hold.actor})` : ''}`;
}

function freightView(
  freight: KargoFreight,
  stages: ReadonlyMap<string, KargoStage>,
  context: StateContext,
): FreightView {
  return {
    ...build(
      { name: freight.metadata?.name, images: freight.images },
      new Map([[freight.metadata?.name ?? '', freight]]),
      context,
    ),
    discoveredAt: freight.discoveredAt ?? freight.metadata?.creationTimestamp,
    images: (freight.images ?? []).map((image) => `${image.repoURL ?? ''}:${image.tag ?? ''}`),
    stages: Object.fromEntries(
      context.stages.map(({ name, enabled }) => {
        const stage = stages.get(name);
        return [
          name,
          stage
            ? eligibilityOf(freight, stage, stages, enabled, context.now)
            : ({ state: 'waiting', reason: `Kargo does not have ${name}` } as const),
        ];
      }),
    ),
  };
}

function build(
  reference: FreightReference | undefined,
  builds: ReadonlyMap<string, KargoFreight>,
  context: Pick<StateContext, 'image'>,
): BuildView {
  const freight = builds.get(reference?.name ?? '');
  return {
    freight: reference?.name ?? '',
    alias: freight?.alias ?? freight?.metadata?.labels?.['kargo.akuity.io/alias'],
    tag: tagOf(freight?.images ?? reference?.images ?? [], context.image),
  };
}

/** The tag of the image that stands for the build. Always a string: `0123456` and `12345e7` are tags too. */
export function tagOf(
  images: readonly { readonly repoURL?: string; readonly tag?: string }[],
  image: string | undefined,
): string {
  const chosen = images.find(({ repoURL }) => image !== undefined && repoURL === image) ?? images[0];
  return chosen?.tag === undefined ? '' : String(chosen.tag);
}

/** The Promotions of a stage that wait or run, in the order in which Kargo takes them. */
export function queueOf(
  promotions: readonly KargoPromotion[],
  freight: readonly KargoFreight[],
  image: string | undefined,
  breakGlassAnnotation: string,
): readonly QueuedPromotion[] {
  const builds = new Map(freight.map((one) => [one.metadata?.name ?? '', one]));
  return promotions
    .filter((promotion) => !isFinished(promotion))
    .sort(
      (a, b) =>
        Number(b.status?.phase === 'Running') - Number(a.status?.phase === 'Running') ||
        compare(a.metadata?.name, b.metadata?.name),
    )
    .map((promotion) => ({
      ...build({ name: promotion.spec?.freight }, builds, { image }),
      promotion: promotion.metadata?.name ?? '',
      phase: promotion.status?.phase || 'Pending',
      actor: promotion.metadata?.annotations?.[createActorAnnotation] ?? 'automatic',
      createdAt: promotion.metadata?.creationTimestamp,
      breakGlass: promotion.metadata?.annotations?.[breakGlassAnnotation] !== undefined,
    }));
}

function compare(a: string | undefined, b: string | undefined): number {
  return (a ?? '') < (b ?? '') ? -1 : 1;
}
