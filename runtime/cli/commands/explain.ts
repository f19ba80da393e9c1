import { DateTime } from 'luxon';
import { type Decision, decidePromotion } from '../../../model/gate/decision.ts';
import { normaliseText } from '../../../model/gate/text.ts';
import type { WindowState } from '../../../model/promotion-window/state.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import { CliError, type ExitCode, exitCode } from '../io.ts';
import type { Session } from '../session.ts';
import { stageOf, zoneOf } from '../settings.ts';
import { timeText } from '../text.ts';

export interface ExplainOptions {
  readonly stage: string;
  readonly at?: string;
  readonly note?: string;
  readonly breakGlass?: string;
  readonly actor?: string;
}

/** What the gate would say to a promotion at some time. Asks nobody: the answer comes from the settings alone. */
export function explain(session: Session, options: ExplainOptions): ExitCode {
  const { settings } = session;
  const stage = stageOf(settings, options.stage);
  const zone = zoneOf(settings, stage);
  const at = options.at === undefined ? session.now : instant(options.at, zone);
  const actor = actorOf(session, stage, options);
  const decision = decidePromotion(stage, {
    at,
    actor: actor.name,
    note: options.note === undefined ? undefined : normaliseText(options.note),
    breakGlass: options.breakGlass === undefined ? undefined : normaliseText(options.breakGlass),
  });
  const answer = {
    stage: stage.name,
    at: at.setZone(zone).toISO(),
    actor: actor.name,
    actorAssumed: actor.assumed,
    allowed: decision.allowed,
    overridesWindow: decision.overridesWindow,
    refusals: decision.refusals,
    message: decision.message,
    window: decision.window && windowJson(decision.window),
  };
  session.print(answer, () => explanation(stage, at, zone, actor, decision));
  return exitCode.done;
}

/** A window's state as JSON. */
export function windowJson(state: WindowState): object {
  return {
    blocked: state.blocked,
    reason: state.reason,
    nextChange: state.nextChange?.toISO(),
    timeLeft: state.timeLeftText,
  };
}

/** @throws CliError with an example */
export function instant(text: string, zone: string): DateTime {
  const at = DateTime.fromISO(text, { zone });
  if (!at.isValid)
    throw new CliError(
      `${JSON.stringify(text)} is no time; write it like 2026-11-23T10:00 (in ${zone}) or 2026-11-23T10:00:00-05:00`,
      exitCode.usage,
    );
  return at;
}

interface ExplainedActor {
  readonly name: string;
  readonly assumed: boolean;
}

/** The one who is named, else the one who is logged in, else somebody whom the gate would let. */
function actorOf(session: Session, stage: Stage, options: ExplainOptions): ExplainedActor {
  if (options.actor !== undefined) return { name: options.actor, assumed: false };
  try {
    return { name: session.login.actor, assumed: false };
  } catch {
    const people = options.breakGlass === undefined ? stage.gate?.approvers : stage.gate?.breakGlass?.actors;
    return { name: people?.[0] ?? 'email:somebody@example.org', assumed: true };
  }
}

function explanation(stage: Stage, at: DateTime, zone: string, actor: ExplainedActor, decision: Decision): string {
  const lines = [
    `${stage.name} at ${timeText(at, zone)}, asked by ${actor.name}${actor.assumed ? ' (assumed: nobody is logged in)' : ''}`,
  ];
  if (decision.allowed) lines.push(`  ${decision.message}`);
  else lines.push('  refused', ...decision.refusals.map((refusal) => `  - ${refusal.message}`));
  const { window } = decision;
  if (window?.nextChange) lines.push(`  next change: ${timeText(window.nextChange, zone)} (${window.timeLeftText})`);
  return `${lines.join('\n')}\n`;
}
