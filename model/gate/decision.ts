import type { DateTime } from 'luxon';
import { type WindowState, windowState } from '../promotion-window/state.ts';
import { timeLeftText } from '../promotion-window/time-left.ts';
import { type Actor, actorText, namesAPerson, unknownActor } from './actors.ts';
import type { GatedStage } from './gate.ts';
import { fill, message } from './messages.ts';
import { justificationRule, noteRule, satisfies } from './text.ts';

/** The rules by which a promotion is refused; also the first word of every message. */
export type GateRule = 'identity' | 'note' | 'break-glass' | 'disabled' | 'approval' | 'blocked';

export interface Refusal {
  readonly rule: GateRule;
  readonly message: string;
}

/** A promotion that somebody is about to ask for. */
export interface PromotionRequest {
  /** When it is created. */
  readonly at: DateTime;
  /** Who asks. @default - nobody: an automatic promotion */
  readonly actor?: Actor;
  /** Annotation `note`. @default - none */
  readonly note?: string;
  /** Annotation `break-glass`: its justification. @default - none */
  readonly breakGlass?: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Every rule that refuses, in the order of the policies. Empty where it is allowed. */
  readonly refusals: readonly Refusal[];
  /** One sentence: the first refusal, or why it is allowed. */
  readonly message: string;
  /** State of the window; undefined where the stage has none. */
  readonly window?: WindowState;
  /** Whether the promotion passes the window only because of break-glass. */
  readonly overridesWindow: boolean;
}

/** The most careful answer for a stage that has no gate of its own is that of an ordinary one. */
function windowOf(stage: GatedStage, at: DateTime): WindowState | undefined {
  return stage.gate?.window === undefined ? undefined : windowState(stage.gate.window, at);
}

/**
 * Whether the API server will accept a promotion: the rules and texts of the admission policies, computed beforehand so that
 * the desk and the command line can say it. The policies decide; this only foretells. R16.3, R17.1, R18, R19, R20.2
 */
export function decidePromotion(stage: GatedStage, request: PromotionRequest): Decision {
  const window = windowOf(stage, request.at);
  const blocked = window?.blocked ?? false;
  const refusals = [
    ...identityRefusals(request),
    ...textRefusals(stage, request),
    ...switchRefusals(stage),
    ...approvalRefusals(stage, request),
    ...breakGlassRefusals(stage, request),
    ...(blocked && request.breakGlass === undefined ? [blockedRefusal(window, message.blocked(stage))] : []),
  ];
  const allowed = refusals.length === 0;
  const overridesWindow = allowed && blocked;
  return {
    allowed,
    refusals,
    message: refusals[0]?.message ?? allowedText(stage, window, overridesWindow),
    ...(window === undefined ? {} : { window }),
    overridesWindow,
  };
}

/** A promotion that waits in the queue and is about to start. */
export interface StartRequest {
  readonly createdAt: DateTime;
  readonly at: DateTime;
  /** Whether it carries a break-glass justification. */
  readonly breakGlass: boolean;
}

/** Whether the API server will let a promotion go from Pending to Running. A refused one waits. R18.1, R19.5 */
export function decideStart(stage: GatedStage, request: StartRequest): Decision {
  const window = windowOf(stage, request.at);
  const blocked = window?.blocked ?? false;
  const limit = stage.gate?.breakGlass?.startWithinMinutes;
  const override = request.breakGlass && limit !== undefined;
  const inTime = override && request.at.toMillis() - request.createdAt.toMillis() <= limit * 60_000;
  const refusals: Refusal[] = [];
  if (!stage.enabled) refusals.push({ rule: 'disabled', message: message.disabledStart(stage) });
  if (blocked && !inTime) {
    refusals.push(blockedRefusal(window, override ? message.expired(stage) : message.waits(stage)));
  }
  const allowed = refusals.length === 0;
  const overridesWindow = allowed && blocked;
  return {
    allowed,
    refusals,
    message: refusals[0]?.message ?? allowedText(stage, window, overridesWindow),
    ...(window === undefined ? {} : { window }),
    overridesWindow,
  };
}

function identityRefusals(request: PromotionRequest): Refusal[] {
  const annotated = request.note !== undefined || request.breakGlass !== undefined;
  return request.actor === undefined && annotated ? [{ rule: 'identity', message: message.annotatedAutomatic }] : [];
}

function textRefusals(stage: GatedStage, request: PromotionRequest): Refusal[] {
  const refusals: Refusal[] = [];
  if (request.note !== undefined && !satisfies(request.note, noteRule)) {
    refusals.push({ rule: 'note', message: message.note(noteRule) });
  }
  const breakGlass = stage.gate?.breakGlass;
  if (request.breakGlass !== undefined && breakGlass !== undefined) {
    const rule = justificationRule(breakGlass.minimumJustification);
    if (!satisfies(request.breakGlass, rule)) {
      refusals.push({ rule: 'break-glass', message: message.justification(rule) });
    }
  }
  return refusals;
}

function switchRefusals(stage: GatedStage): Refusal[] {
  return stage.enabled ? [] : [{ rule: 'disabled', message: message.disabled(stage) }];
}

function approvalRefusals(stage: GatedStage, request: PromotionRequest): Refusal[] {
  const { gate } = stage;
  const actor = actorText(request.actor);
  const refusals: Refusal[] = [];
  const refuse = (text: string) => refusals.push({ rule: 'approval', message: fill(text, { actor }) });
  if (request.actor === undefined) {
    if (stage.promotion === 'manual') refuse(message.automatic(stage));
  } else if (gate !== undefined) {
    const personNeeded = gate.note === 'required' || gate.approvers !== undefined;
    if (personNeeded ? !namesAPerson(request.actor) : request.actor === unknownActor) refuse(message.noPerson(stage));
    else if (gate.approvers?.includes(request.actor) === false) refuse(message.notApprover(stage, gate.approvers));
  }
  if (gate?.note === 'required' && request.note === undefined) {
    refusals.push({ rule: 'note', message: message.noteMissing(stage) });
  }
  return refusals;
}

function breakGlassRefusals(stage: GatedStage, request: PromotionRequest): Refusal[] {
  if (request.breakGlass === undefined) return [];
  const breakGlass = stage.gate?.breakGlass;
  if (breakGlass === undefined) return [{ rule: 'break-glass', message: message.noBreakGlass(stage) }];
  if (request.actor !== undefined && breakGlass.actors.includes(request.actor)) return [];
  const text = message.breakGlassActor(stage, breakGlass.actors);
  return [{ rule: 'break-glass', message: fill(text, { actor: actorText(request.actor) }) }];
}

function blockedRefusal(window: WindowState | undefined, template: string): Refusal {
  const left = window?.timeLeft === undefined ? 'an unknown time' : timeLeftText(window.timeLeft.toMillis());
  return { rule: 'blocked', message: fill(template, { left }) };
}

function allowedText(stage: GatedStage, window: WindowState | undefined, overridesWindow: boolean): string {
  if (window === undefined) return `allowed: ${stage.name} has no promotion window`;
  if (overridesWindow) return `allowed by break-glass: ${window.reason}, ${window.timeLeftText}`;
  return `allowed: ${window.reason}, ${window.timeLeftText}`;
}
