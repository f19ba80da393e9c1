import { gateAnnotation } from '../../../model/gate/annotations.ts';
import { decidePromotion } from '../../../model/gate/decision.ts';
import { normaliseText } from '../../../model/gate/text.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import { KargoError } from '../../desk/kargo/client.ts';
import { denialInWords, isDenial } from '../../desk/kargo/denial.ts';
import { isFinished, type KargoPromotion } from '../../desk/kargo/types.ts';
import { deskState } from '../../desk/server/state.ts';
import { type BuildChoice, type ChosenBuild, chooseBuild } from '../builds.ts';
import { CliError, type ExitCode, exitCode } from '../io.ts';
import type { Session } from '../session.ts';
import { stageOf, zoneOf } from '../settings.ts';
import { plain, shortTag, timeText } from '../text.ts';

export interface PromoteOptions extends BuildChoice, WaitOptions {
  readonly stage: string;
  readonly note?: string;
  /** Asks the API server although the forecast says no. */
  readonly askAnyway?: boolean;
}

export interface WaitOptions {
  readonly wait?: boolean;
  /** Minutes. */
  readonly timeout?: string;
}

/** Asks for an ordinary promotion. */
export async function promote(session: Session, options: PromoteOptions): Promise<ExitCode> {
  const { settings, login } = session;
  const stage = stageOf(settings, options.stage);
  const note = await noteOf(session, stage, options.note);
  const { build, remark } = await findBuild(session, stage, options);
  const decision = decidePromotion(stage, { at: session.now, actor: login.actor, note });
  if (!decision.allowed && !options.askAnyway) {
    const next =
      decision.window?.blocked && decision.window.nextChange
        ? ` It opens at ${timeText(decision.window.nextChange, zoneOf(settings, stage))}.`
        : '';
    throw new CliError(`${decision.refusals.map((refusal) => refusal.message).join('\n')}${next}`, exitCode.refused);
  }
  if (remark) session.remark(remark);
  const promotion = await create(session, stage, build, note === undefined ? {} : { [gateAnnotation.note]: note });
  return report(session, stage, build, promotion, options, {});
}

/** The note as given, or, where the stage needs one and somebody is there, as asked for. */
async function noteOf(session: Session, stage: Stage, given: string | undefined): Promise<string | undefined> {
  const ask = given === undefined && stage.gate?.note === 'required' && session.io.interactive && !session.json;
  const text = ask ? await session.io.ask(`Note for ${stage.name}: `) : given;
  return text === undefined || text === '' ? undefined : normaliseText(text);
}

/** The build, and a remark when Kargo will hardly let it in. */
export async function findBuild(
  session: Session,
  stage: Stage,
  choice: BuildChoice,
): Promise<{ build: ChosenBuild; remark?: string }> {
  const { settings, kargo } = session;
  const [stages, freight] = await Promise.all([kargo.stages(settings.project), kargo.freight(settings.project)]);
  const build = chooseBuild(freight, choice, settings.image);
  const view = deskState(stages, freight, {
    image: settings.image,
    stages: settings.stages,
    now: session.now.toJSDate(),
  }).freight.find((one) => one.freight === build.freight);
  const eligibility = view?.stages[stage.name];
  const name = build.alias ?? build.freight;
  return {
    build,
    remark:
      eligibility?.state === 'waiting'
        ? `${name} may not go to ${stage.name} yet: ${eligibility.reason}. Asking Kargo all the same.`
        : undefined,
  };
}

/** @throws CliError with the gate's own words */
export async function create(
  session: Session,
  stage: Stage,
  build: ChosenBuild,
  annotations: Readonly<Record<string, string>>,
): Promise<KargoPromotion> {
  try {
    return await session.kargo.createPromotion({
      project: session.settings.project,
      stage: stage.name,
      freight: build.freight,
      annotations,
    });
  } catch (error) {
    if (error instanceof KargoError && (error.status === 403 || error.status === 422 || isDenial(error.message))) {
      throw new CliError(denialInWords(error.message), exitCode.refused);
    }
    throw error;
  }
}

/** Says what was made, and on wish waits for its end. */
export async function report(
  session: Session,
  stage: Stage,
  build: ChosenBuild,
  created: KargoPromotion,
  options: WaitOptions,
  more: object,
): Promise<ExitCode> {
  const name = created.metadata?.name ?? '';
  const promotion = options.wait ? await waitFor(session, stage, name, options) : created;
  const phase = promotion.status?.phase ?? 'Pending';
  const message = promotion.status?.message;
  const answer = { promotion: name, stage: stage.name, ...build, phase, message, ...more };
  session.print(
    answer,
    () =>
      `${name}: ${stage.name} <- ${shortTag(build.tag)}${build.alias ? ` (${build.alias})` : ''}: ${phase}${message ? `: ${plain(message)}` : ''}\n`,
  );
  return options.wait && phase !== 'Succeeded' ? exitCode.failed : exitCode.done;
}

async function waitFor(session: Session, stage: Stage, name: string, options: WaitOptions): Promise<KargoPromotion> {
  const minutes = Number(options.timeout ?? 30);
  const end = session.now.plus({ minutes });
  let shown = '';
  for (;;) {
    const promotions = await session.kargo.promotions(session.settings.project, stage.name);
    const promotion = promotions.find((one) => one.metadata?.name === name);
    if (!promotion) throw new CliError(`Kargo has no promotion ${name} any more`);
    const phase = promotion.status?.phase ?? 'Pending';
    if (phase !== shown) session.remark(`${name} is ${phase}`);
    shown = phase;
    if (isFinished(promotion)) return promotion;
    if (session.now >= end)
      throw new CliError(`${name} is still ${phase} after ${minutes} minutes; it goes on without this command`);
    await session.io.sleep(2000);
  }
}
