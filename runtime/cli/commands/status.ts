import { gateAnnotation } from '../../../model/gate/annotations.ts';
import { type WindowState, windowState } from '../../../model/promotion-window/state.ts';
import { evidenceWaived, type Stage } from '../../../model/stage-chain.ts';
import type { QueuedPromotion, StageView } from '../../desk/api/types.ts';
import { deskState, queueOf } from '../../desk/server/state.ts';
import { type ExitCode, exitCode } from '../io.ts';
import type { Session } from '../session.ts';
import { zoneOf } from '../settings.ts';
import { plain, shortTag, table, timeText } from '../text.ts';
import { windowJson } from './explain.ts';

interface StageStatus {
  readonly stage: Stage;
  readonly view: StageView;
  readonly window?: WindowState;
  readonly queue: readonly QueuedPromotion[];
}

/** What is where, what the gate says now, and what waits. */
export async function status(session: Session): Promise<ExitCode> {
  const { settings, kargo, now } = session;
  const [stages, freight, ...promotions] = await Promise.all([
    kargo.stages(settings.project),
    kargo.freight(settings.project),
    ...settings.stages.map((stage) => kargo.promotions(settings.project, stage.name)),
  ]);
  const state = deskState(stages, freight, { image: settings.image, stages: settings.stages, now: now.toJSDate() });
  const all = settings.stages.map(
    (stage, index): StageStatus => ({
      stage,
      view: state.stages[index]!,
      window: stage.gate?.window && windowState(stage.gate.window, now),
      queue: queueOf(promotions[index] ?? [], freight, settings.image, gateAnnotation.breakGlass),
    }),
  );
  const answer = all.map(({ stage, view, window, queue }) => ({
    name: stage.name,
    enabled: stage.enabled,
    tag: view.current?.tag,
    freight: view.current?.freight,
    alias: view.current?.alias,
    since: view.current?.since,
    health: view.health?.status,
    activity: view.activity,
    gate: { noteRequired: stage.gate?.note === 'required', window: window && windowJson(window) },
    evidenceWaived: evidenceWaived(settings.stages, stage.name).map((one) => one.name),
    queue,
  }));
  session.print({ project: settings.project, at: now.toISO(), stages: answer }, () =>
    statusText(all, zoneOf(settings), settings.stages),
  );
  return exitCode.done;
}

function statusText(all: readonly StageStatus[], zone: string, stages: readonly Stage[]): string {
  const rows = all.map(({ stage, view, window, queue }) => [
    stage.name,
    view.current ? shortTag(view.current.tag) : '-',
    view.current?.alias ?? '',
    timeText(view.current?.since, zone) || '-',
    view.health?.status ?? '-',
    gateText(stage, window),
    queue.length === 0 ? '' : String(queue.length),
  ]);
  const remarks = all.flatMap(({ stage, view, queue }) => [
    ...(view.activity.message ? [`${stage.name}: ${view.activity.state}: ${view.activity.message}`] : []),
    ...queue.map(
      (one) =>
        `${stage.name}: ${one.promotion} is ${one.phase} (${shortTag(one.tag)}, ${one.actor}${one.breakGlass ? ', break-glass' : ''})`,
    ),
    ...evidenceWaived(stages, stage.name).flatMap((waived) =>
      stage.enabled && stage.kind === 'deploy'
        ? [`${stage.name}: evidence of ${waived.name} is waived, it is switched off`]
        : [],
    ),
  ]);
  return (
    table(['STAGE', 'TAG', 'ALIAS', 'SINCE', 'HEALTH', 'GATE', 'WAITING'], rows) +
    remarks.map((remark) => `${plain(remark)}\n`).join('')
  );
}

function gateText(stage: Stage, window: WindowState | undefined): string {
  if (!stage.enabled) return 'switched off';
  const note = stage.gate?.note === 'required' ? ', note required' : '';
  if (!window) return `open${note}`;
  return `${window.blocked ? 'BLOCKED' : 'open'}, ${window.timeLeftText}${note}`;
}
