/** The days of a week in the order of ISO 8601: Monday is day 1. */
export const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

export type Weekday = (typeof weekdays)[number];

/** The calendars that are known by rule; see xnys.ts. */
export const calendars = ['XNYS'] as const;

export type CalendarName = (typeof calendars)[number];

/**
 * The hours in which promotions are blocked: on the listed days, from `from` (inclusive) to `to` (exclusive), read from a
 * wall clock in the time zone. R16.3, R17.3, R18.1, R18.4
 */
export interface PromotionWindow {
  /** IANA name, for example `America/New_York`. R18.4 */
  readonly timeZone: string;
  /** Days on which the window applies. R18.1 */
  readonly days: readonly Weekday[];
  /** First blocked minute, `HH:MM` of the wall clock. R18.1 */
  readonly from: string;
  /** First minute that is open again, `HH:MM`, at most `24:00`. R18.1 */
  readonly to: string;
  /**
   * Sessions of an exchange: days without one are open, and on a day with an early close the window ends as much earlier
   * as the session does. @default - every listed day blocks (R18.1, read literally)
   */
  readonly calendar?: CalendarName;
  /** Further dates (`YYYY-MM-DD`, in the time zone) on which nothing is blocked. @default - none */
  readonly closedDays?: readonly string[];
}

/** Minutes after midnight of `HH:MM`, or undefined where the text is no time of day. `24:00` is the end of the day. */
export function minuteOfDay(time: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time);
  if (match !== null) return Number(match[1]) * 60 + Number(match[2]);
  return time === '24:00' ? 1440 : undefined;
}

/** A checked window with its times as minutes after midnight. */
export interface WindowMinutes {
  readonly from: number;
  readonly to: number;
}

/**
 * The limits of a window in minutes after midnight.
 *
 * @throws RangeError where a time is none; parse windows with `promotionWindow` of settings.ts first
 */
export function windowMinutes(window: PromotionWindow): WindowMinutes {
  const from = minuteOfDay(window.from);
  const to = minuteOfDay(window.to);
  if (from === undefined || to === undefined) {
    throw new RangeError(`${window.from}-${window.to} is no range of times; write it like 09:30 and 16:00`);
  }
  return { from, to };
}

/** The days of a window in a few characters: `Mon-Fri`, or `Mon, Wed` where they do not follow each other. */
export function daysText(days: readonly Weekday[]): string {
  const positions = days.map((day) => weekdays.indexOf(day)).sort((a, b) => a - b);
  const first = positions[0] ?? 0;
  const last = positions[positions.length - 1] ?? 0;
  if (positions.length > 2 && last - first === positions.length - 1) return `${weekdays[first]}-${weekdays[last]}`;
  return positions.map((position) => weekdays[position]).join(', ');
}

/** A window in words: `09:30-16:00 America/New_York, Mon-Fri`. */
export function windowText(window: PromotionWindow): string {
  const calendar = window.calendar === undefined ? '' : `, ${window.calendar} sessions`;
  return `${window.from}-${window.to} ${window.timeZone}, ${daysText(window.days)}${calendar}`;
}
