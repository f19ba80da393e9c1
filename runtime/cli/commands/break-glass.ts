import { gateAnnotation } from '../../../model/gate/annotations.ts';
import { decidePromotion } from '../../../model/gate/decision.ts';
import { normaliseText } from '../../../model/gate/text.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import type { QueuedPromotion } from '../../desk/api/types.ts';
import { queueOf } from '../../desk/server/state.ts';
import type { BuildChoice, ChosenBuild } from '../builds.ts';
import { CliError, type ExitCode, exitCode } from '../io.ts';
import type { Session } from '../session.ts';
import { stageOf } from '../settings.ts';
import { plain, shortTag } from '../text.ts';
import { create, findBuild, report, type WaitOptions } from './promote.ts';

export interface BreakGlassOptions extends BuildChoice, WaitOptions {
  readonly stage: string;
  readonly justification?: string;
  readonly note?: string;
  /** Name of the stage, instead of being asked for it. */
  readonly confirm?: string;
  /** Leaves what waits ahead in the queue. */
  readonly keepQueue?: boolean;
}

/** One promotion past the window, after confirmation; what waits ahead of it is aborted. */
export async function breakGlass(session: Session, options: BreakGlassOptions): Promise<ExitCode> {
  const { settings, login, io } = session;
  const stage = stageOf(settings, options.stage);
  const { build, remark } = await findBuild(session, stage, options);
  const queue = await queueAhead(session, stage);
  const before = decidePromotion(stage, { at: session.now, actor: login.actor, note: options.note ?? 'a note' });
  if (before.window && !before.window.blocked) {
    throw new CliError(
      `the window of ${stage.name} is open (${before.window.timeLeftText}): there is no glass to break. Use promote`,
      exitCode.refused,
    );
  }
  const mayAsk = io.interactive && !session.json;
  const justification = normaliseText(
    options.justification ??
      (mayAsk ? await ask(session, 'Justification (goes into the audit log): ') : missing('--justification')),
  );
  const note = await noteOf(session, stage, options, mayAsk);
  const decision = decidePromotion(stage, { at: session.now, actor: login.actor, note, breakGlass: justification });
  if (!decision.allowed)
    throw new CliError(decision.refusals.map((refusal) => refusal.message).join('\n'), exitCode.refused);

  const pending = queue.filter((one) => one.phase !== 'Running');
  session.remark(warning(session, stage, build, justification, note, queue, options.keepQueue ?? false));
  if (remark) session.remark(remark);
  const confirmed =
    options.confirm ??
    (mayAsk ? await ask(session, `Type the name of the stage to break the glass: `) : missing('--confirm'));
  if (confirmed !== stage.name)
    throw new CliError(
      `not confirmed: ${JSON.stringify(confirmed)} is not ${stage.name}. Nothing was done`,
      exitCode.refused,
    );

  const annotations = {
    [gateAnnotation.breakGlass]: justification,
    ...(note === undefined ? {} : { [gateAnnotation.note]: note }),
  };
  const promotion = await create(session, stage, build, annotations);
  // Only now: had the gate refused it, nothing would have been aborted for nothing.
  const { aborted, warnings } = options.keepQueue ? { aborted: [], warnings: [] } : await clear(session, pending);
  for (const text of warnings) session.remark(text);
  return report(session, stage, build, promotion, options, { justification, note, aborted, warnings });
}

async function queueAhead(session: Session, stage: Stage): Promise<readonly QueuedPromotion[]> {
  const { settings, kargo } = session;
  const [promotions, freight] = await Promise.all([
    kargo.promotions(settings.project, stage.name),
    kargo.freight(settings.project),
  ]);
  return queueOf(promotions, freight, settings.image, gateAnnotation.breakGlass);
}

async function noteOf(
  session: Session,
  stage: Stage,
  options: BreakGlassOptions,
  mayAsk: boolean,
): Promise<string | undefined> {
  if (options.note !== undefined) return normaliseText(options.note);
  if (stage.gate?.note !== 'required') return undefined;
  return normaliseText(mayAsk ? await ask(session, `Note for ${stage.name}: `) : missing('--note'));
}

async function clear(
  session: Session,
  pending: readonly QueuedPromotion[],
): Promise<{ aborted: string[]; warnings: string[] }> {
  const aborted: string[] = [];
  const warnings: string[] = [];
  for (const { promotion } of pending) {
    try {
      await session.kargo.abort(session.settings.project, promotion);
      aborted.push(promotion);
      session.remark(`aborted ${promotion}, which waited ahead`);
    } catch (error) {
      warnings.push(`${promotion} was not aborted and goes first: ${(error as Error).message}`);
    }
  }
  return { aborted, warnings };
}

function warning(
  session: Session,
  stage: Stage,
  build: ChosenBuild,
  justification: string,
  note: string | undefined,
  queue: readonly QueuedPromotion[],
  keepQueue: boolean,
): string {
  const { login, settings } = session;
  const decision = decidePromotion(stage, { at: session.now, actor: login.actor, note, breakGlass: justification });
  const minutes = stage.gate?.breakGlass?.startWithinMinutes;
  const lines = [
    `BREAK GLASS on ${stage.name} (${settings.project})`,
    `  build:          ${shortTag(build.tag)} (${build.alias ?? build.freight})`,
    `  blocked:        ${decision.window?.reason ?? ''}, ${decision.window?.timeLeftText ?? ''}`,
    `  operator:       ${login.actor}`,
    `  justification:  ${plain(justification)}`,
    ...(note === undefined ? [] : [`  note:           ${plain(note)}`]),
    `  Recorded: operator, time, stage, tag, justification. It holds for this one promotion, which has to start within ${minutes} minutes.`,
    ...queue.map((one) =>
      one.phase === 'Running'
        ? `  ${one.promotion} is running and goes first (${shortTag(one.tag)}, ${one.actor})`
        : `  ${one.promotion} waits ahead (${shortTag(one.tag)}, ${one.actor}) and ${keepQueue ? 'stays' : 'will be ABORTED'}`,
    ),
  ];
  return lines.join('\n');
}

async function ask(session: Session, question: string): Promise<string> {
  const answer = await session.io.ask(question);
  if (answer === undefined) throw new CliError('nothing was done', exitCode.refused);
  return answer.trim();
}

function missing(option: string): never {
  throw new CliError(`${option} is missing, and nobody can be asked here`, exitCode.usage);
}
