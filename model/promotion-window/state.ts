import { DateTime, type Duration } from 'luxon';
import { blockedRange } from './blocked-range.ts';
import { blockedIntervals } from './intervals.ts';
import { timeLeftText } from './time-left.ts';
import { type PromotionWindow, windowText } from './window.ts';
import { xnysKnows } from './xnys.ts';

/** What a window says about one instant. R18.1 to R18.4 */
export interface WindowState {
  readonly blocked: boolean;
  /** Why, in a few words: `market hours 09:30-16:00 America/New_York, Mon-Fri`. */
  readonly reason: string;
  /** The first instant at which `blocked` is different, in the window's zone. Undefined where none comes within two years. */
  readonly nextChange?: DateTime;
  /** Time until the next change. */
  readonly timeLeft?: Duration;
  /** The same for people: `opens in 2h13m`, `closes in 58m`; `always open` or `never opens` where nothing changes. */
  readonly timeLeftText: string;
}

const lookAheadDays = [4, 40, 800] as const;
const day = 86_400_000;

/**
 * The state of a window at an instant.
 *
 * @throws RangeError where the instant is not valid
 */
export function windowState(window: PromotionWindow, instant: DateTime): WindowState {
  if (!instant.isValid) throw new RangeError(`${instant.invalidExplanation ?? 'the instant'} is no valid time`);
  const at = instant.toMillis();
  const local = instant.setZone(window.timeZone);
  const change = nextChange(window, at);
  const reason = reasonText(window, local, change.blocked);
  if (change.at === undefined) {
    return { blocked: change.blocked, reason, timeLeftText: change.blocked ? 'never opens' : 'always open' };
  }
  const next = DateTime.fromMillis(change.at, { zone: window.timeZone });
  return {
    blocked: change.blocked,
    reason,
    nextChange: next,
    timeLeft: next.diff(local),
    timeLeftText: `${change.blocked ? 'opens' : 'closes'} in ${timeLeftText(change.at - at)}`,
  };
}

/** Most windows change within days: look far only where that finds nothing. */
function nextChange(window: PromotionWindow, at: number): { blocked: boolean; at?: number } {
  for (const days of lookAheadDays) {
    const until = at + days * day;
    const intervals = blockedIntervals(window, at, until);
    const current = intervals.find((interval) => interval.start <= at);
    if (current !== undefined) {
      if (current.end < until) return { blocked: true, at: current.end };
      continue;
    }
    const next = intervals[0];
    if (next !== undefined) return { blocked: false, at: next.start };
  }
  return { blocked: blockedIntervals(window, at, at + 1).length > 0 };
}

function reasonText(window: PromotionWindow, local: DateTime, blocked: boolean): string {
  const { kind } = blockedRange(window, { year: local.year, month: local.month, day: local.day });
  const unknown = window.calendar !== undefined && !xnysKnows(local.year);
  const calendar = unknown
    ? ` (the calendar ${window.calendar} ends before ${local.year}, so that every day blocks)`
    : '';
  if (blocked) {
    const early = kind === 'early-close' ? ', early close' : '';
    return `market hours ${windowText(window)}${early}${calendar}`;
  }
  if (kind === 'not-a-day') return `${local.toFormat('cccc', { locale: 'en' })} is no day of the window`;
  if (kind === 'holiday') return `the exchange is closed on ${local.toISODate()}`;
  if (kind === 'closed-day') return `${local.toISODate()} is listed as a closed day`;
  return `outside market hours ${windowText(window)}${calendar}`;
}
