import { type PromotionWindow, weekdays, windowMinutes } from './window.ts';
import { type CalendarDate, dateKey, earlyCloseMinutes, isoWeekday, xnysDay, xnysKnows } from './xnys.ts';

/** What a date is for a window. */
export type DayKind = 'blocked' | 'early-close' | 'not-a-day' | 'holiday' | 'closed-day';

/** The blocked minutes of one local date: `from` inclusive, `to` exclusive, in minutes after midnight. */
export interface BlockedRange {
  readonly kind: DayKind;
  /** Undefined where the whole date is open. */
  readonly minutes?: { readonly from: number; readonly to: number };
}

/** Which minutes of a local date are blocked, and why. */
export function blockedRange(window: PromotionWindow, date: CalendarDate): BlockedRange {
  const { from, to } = windowMinutes(window);
  const weekday = weekdays[isoWeekday(date) - 1];
  if (weekday === undefined || !window.days.includes(weekday)) return { kind: 'not-a-day' };
  if (window.closedDays?.includes(dateKey(date)) === true) return { kind: 'closed-day' };
  // Outside its years the calendar knows nothing: the day blocks.
  if (window.calendar === undefined || !xnysKnows(date.year)) return { kind: 'blocked', minutes: { from, to } };
  const day = xnysDay(date);
  if (day === 'session') return { kind: 'blocked', minutes: { from, to } };
  if (day === 'closed') return { kind: 'holiday' };
  const early = to - earlyCloseMinutes;
  return from < early ? { kind: 'early-close', minutes: { from, to: early } } : { kind: 'early-close' };
}
