/**
 * Sessions of the New York Stock Exchange (XNYS, 09:30 to 16:00 New York time) by rule: holidays with their observance, early
 * closes at 13:00 and the closures that no rule foresees. Written from the exchange's published rules (Rule 7.2 and the
 * holiday schedules).
 */

/** A date of the proleptic Gregorian calendar, without a time zone. */
export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/**
 * The years for which the rules below hold. Before and after them the calendar knows nothing, and every day of the window
 * blocks. The exchange publishes its schedule about three years ahead: compare it once a year.
 */
export const xnysValidYears = { from: 2007, to: 2035 } as const;

/** Minutes by which an early close (13:00) comes before the usual one (16:00). */
export const earlyCloseMinutes = 180;

export type XnysDay = 'session' | 'early-close' | 'closed';

/** Closures that follow no rule: the exchange was shut for a day of mourning or a storm. */
const unforeseenClosures: ReadonlySet<string> = new Set([
  '2007-01-02', // mourning for Gerald Ford
  '2012-10-29', // hurricane Sandy
  '2012-10-30',
  '2018-12-05', // mourning for George H. W. Bush
  '2025-01-09', // mourning for Jimmy Carter
]);

/** What the exchange does on a date of the valid years; weekends are `closed`. */
export function xnysDay(date: CalendarDate): XnysDay {
  const weekday = isoWeekday(date);
  if (weekday > 5) return 'closed';
  const key = dateKey(date);
  if (holidays(date.year).has(key) || unforeseenClosures.has(key)) return 'closed';
  return earlyCloses(date.year).has(key) ? 'early-close' : 'session';
}

/** Whether the calendar can say anything about a year. */
export function xnysKnows(year: number): boolean {
  return year >= xnysValidYears.from && year <= xnysValidYears.to;
}

/** The weekdays of a year without a session, sorted, as `YYYY-MM-DD`. */
export function xnysClosedDates(year: number): readonly string[] {
  const closures = [...unforeseenClosures].filter((date) => date.startsWith(`${year}-`));
  return [...holidays(year), ...closures].filter((key) => isoWeekday(parseKey(key)) <= 5).sort();
}

/** The dates of a year that close at 13:00, sorted, as `YYYY-MM-DD`. */
export function xnysEarlyCloseDates(year: number): readonly string[] {
  return [...earlyCloses(year)].filter((key) => !holidays(year).has(key)).sort();
}

const holidaysByYear = new Map<number, ReadonlySet<string>>();

function holidays(year: number): ReadonlySet<string> {
  const known = holidaysByYear.get(year);
  if (known !== undefined) return known;
  const computed = new Set(
    [
      newYear(year),
      nthWeekday(year, 1, 1, 3), // Martin Luther King Jr.
      nthWeekday(year, 2, 1, 3), // Washington's Birthday
      shift(easterSunday(year), -2), // Good Friday
      lastMonday(year, 5), // Memorial Day
      ...(year >= 2022 ? [observed({ year, month: 6, day: 19 })] : []), // Juneteenth
      observed({ year, month: 7, day: 4 }), // Independence Day
      nthWeekday(year, 9, 1, 1), // Labor Day
      nthWeekday(year, 11, 4, 4), // Thanksgiving
      observed({ year, month: 12, day: 25 }), // Christmas
    ].map(dateKey),
  );
  holidaysByYear.set(year, computed);
  return computed;
}

function earlyCloses(year: number): ReadonlySet<string> {
  const dates = [shift(nthWeekday(year, 11, 4, 4), 1)]; // the day after Thanksgiving
  // Before Independence Day and Christmas only from Monday to Thursday: on a Friday the holiday itself is observed.
  for (const eve of [
    { year, month: 7, day: 3 },
    { year, month: 12, day: 24 },
  ]) {
    if (isoWeekday(eve) <= 4) dates.push(eve);
  }
  return new Set(dates.map(dateKey));
}

/** New Year's Day on a Saturday is not made up for: the Friday before ends the old year's books. */
function newYear(year: number): CalendarDate {
  const date = { year, month: 1, day: 1 };
  return isoWeekday(date) === 7 ? shift(date, 1) : date;
}

function observed(date: CalendarDate): CalendarDate {
  const weekday = isoWeekday(date);
  if (weekday === 6) return shift(date, -1);
  return weekday === 7 ? shift(date, 1) : date;
}

function nthWeekday(year: number, month: number, weekday: number, n: number): CalendarDate {
  const first = isoWeekday({ year, month, day: 1 });
  return { year, month, day: 1 + ((weekday - first + 7) % 7) + 7 * (n - 1) };
}

function lastMonday(year: number, month: number): CalendarDate {
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return { year, month, day: last - (isoWeekday({ year, month, day: last }) - 1) };
}

/** Gregorian computus in the form of Meeus, Jones and Butcher. */
function easterSunday(year: number): CalendarDate {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const inCentury = year % 100;
  const correction = Math.floor((century + 8) / 25);
  const moon = (19 * golden + century - Math.floor(century / 4) - Math.floor((century - correction + 1) / 3) + 15) % 30;
  const toSunday = (32 + 2 * (century % 4) + 2 * Math.floor(inCentury / 4) - moon - (inCentury % 4)) % 7;
  const late = Math.floor((golden + 11 * moon + 22 * toSunday) / 451);
  const days = moon + toSunday - 7 * late + 114;
  return { year, month: Math.floor(days / 31), day: (days % 31) + 1 };
}

/** 1 = Monday to 7 = Sunday. */
export function isoWeekday(date: CalendarDate): number {
  return new Date(Date.UTC(date.year, date.month - 1, date.day)).getUTCDay() || 7;
}

/** `YYYY-MM-DD`. */
export function dateKey(date: CalendarDate): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${String(date.year).padStart(4, '0')}-${two(date.month)}-${two(date.day)}`;
}

function parseKey(key: string): CalendarDate {
  const [year = 0, month = 0, day = 0] = key.split('-').map(Number);
  return { year, month, day };
}

function shift(date: CalendarDate, days: number): CalendarDate {
  const moved = new Date(Date.UTC(date.year, date.month - 1, date.day + days));
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() };
}
