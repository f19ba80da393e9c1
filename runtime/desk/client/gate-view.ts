import { DateTime } from 'luxon';
import { namesAPerson } from '../../../model/gate/actors.ts';
import { decidePromotion } from '../../../model/gate/decision.ts';
import { windowState } from '../../../model/promotion-window/state.ts';
import { timeLeftText } from '../../../model/promotion-window/time-left.ts';
import { evidenceWaived, type Stage, upstreamOf } from '../../../model/stage-chain.ts';

/** What people see of a gate at one moment. */
export interface GateView {
  /** `free`: no window. */
  readonly state: 'free' | 'open' | 'blocked' | 'disabled';
  /** One or two words: `Allowed`, `Blocked`, `Switched off`. */
  readonly title: string;
  /** Why, in words. */
  readonly reason: string;
  /** `opens in 2h13m`, `closes in 58m`. */
  readonly countdown?: string;
  /** The same, but with seconds in the last hour, for the eye. */
  readonly ticking?: string;
  /** When the state changes, in the zone of the window: `Mon 16:00 EST`. */
  readonly changesAt?: string;
  /** What a promotion needs besides an open window. */
  readonly needs: readonly string[];
  /** Evidence that nobody waits for because its stage is switched off. */
  readonly waived?: string;
}

/** @param stages the whole chain, in order */
export function gateView(stages: readonly Stage[], name: string, now: Date): GateView {
  const stage = stages.find((one) => one.name === name);
  if (!stage) return { state: 'free', title: 'Not gated', reason: 'This stage is not part of the chain.', needs: [] };
  const waivedStages = evidenceWaived(stages, name);
  const waived =
    stage.enabled && waivedStages.length > 0
      ? `evidence waived: ${waivedStages.map((one) => one.name).join(', ')} ${waivedStages.length === 1 ? 'is' : 'are'} switched off`
      : undefined;
  const needs = needsOf(stage);
  if (!stage.enabled) {
    return {
      state: 'disabled',
      title: 'Switched off',
      reason: 'Promotions pass by this stage; none goes to it.',
      needs: [],
      waived,
    };
  }
  if (!stage.gate?.window) return { state: 'free', title: 'Allowed', reason: 'no promotion window', needs, waived };
  const window = windowState(stage.gate.window, DateTime.fromJSDate(now));
  const left = window.timeLeft?.toMillis();
  const verb = window.blocked ? 'opens' : 'closes';
  return {
    state: window.blocked ? 'blocked' : 'open',
    title: window.blocked ? 'Blocked' : 'Allowed',
    reason: window.reason,
    countdown: window.timeLeftText,
    ticking: left === undefined ? window.timeLeftText : `${verb} in ${tickingText(left)}`,
    changesAt: window.nextChange?.toFormat('ccc HH:mm ZZZZ', { locale: 'en' }),
    needs,
    waived,
  };
}

function needsOf(stage: Stage): readonly string[] {
  const needs: string[] = [];
  if (stage.gate?.note === 'required') needs.push('a note by a named person');
  if (stage.gate?.approvers) needs.push(`one of ${stage.gate.approvers.join(', ')}`);
  return needs;
}

/** Minutes as everywhere; in the last hour with seconds. */
export function tickingText(millis: number): string {
  if (millis >= 3_600_000) return timeLeftText(millis);
  const seconds = Math.max(0, Math.ceil(millis / 1000));
  return seconds >= 60 ? `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s` : `${seconds}s`;
}

/** Whether this person may break glass at this stage; if not, why not. */
export function breakGlassAccess(stage: Stage, actor: string): { readonly allowed: boolean; readonly reason?: string } {
  const breakGlass = stage.gate?.breakGlass;
  if (!breakGlass) return { allowed: false, reason: `Nobody may override the window of ${stage.name}.` };
  if (breakGlass.actors.includes(actor)) return { allowed: true };
  const shared = namesAPerson(actor) ? '' : ` ${actor} names nobody: log in with your own account.`;
  return { allowed: false, reason: `Break-glass is for ${breakGlass.actors.join(', ')}.${shared}` };
}

/** What the gate would say now to this promotion; an empty list: it would pass. */
export function refusals(
  stage: Stage,
  request: { readonly now: Date; readonly actor: string; readonly note?: string; readonly breakGlass?: string },
): readonly { readonly rule: string; readonly message: string }[] {
  return decidePromotion(stage, {
    at: DateTime.fromJSDate(request.now),
    actor: request.actor,
    note: request.note,
    breakGlass: request.breakGlass,
  }).refusals;
}

/** Where the builds of a stage come from. */
export function sourceOf(stages: readonly Stage[], name: string): string {
  if (!stages.some((one) => one.name === name)) return 'unknown';
  const upstream = upstreamOf(stages, name);
  return upstream.from === 'stage' ? upstream.stage.name : 'the registry';
}
