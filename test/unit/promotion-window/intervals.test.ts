import fc from 'fast-check';
import { DateTime } from 'luxon';
import { expect, test } from 'vitest';
import {
  blockedIntervals,
  type PromotionWindow,
  weekdays,
  windowCalendar,
  windowMinutes,
  windowState,
  zoneOffsets,
} from '../../../model/promotion-window/index.ts';

const zones = ['America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia', 'UTC'];

const windows = fc
  .record({
    timeZone: fc.constantFrom(...zones),
    days: fc.subarray([...weekdays], { minLength: 1 }),
    minutes: fc.tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 })).filter(([a, b]) => a < b),
  })
  .map(
    ({ timeZone, days, minutes: [from, to] }): PromotionWindow => ({
      timeZone,
      days,
      from: clock(from),
      to: clock(to),
    }),
  );

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/** The meaning of a window without any of the code under test: what the wall clock shows. */
function byWallClock(window: PromotionWindow, millis: number): boolean {
  const local = DateTime.fromMillis(millis, { zone: window.timeZone });
  const minute = local.hour * 60 + local.minute;
  const { from, to } = windowMinutes(window);
  return window.days.includes(weekdays[local.weekday - 1] ?? 'Mon') && minute >= from && minute < to;
}

const instants = fc.integer({ min: Date.UTC(2007, 0, 1) / 1000, max: Date.UTC(2035, 11, 31) / 1000 });

test('at every instant and in every zone a window means what the wall clock shows', () => {
  fc.assert(
    fc.property(windows, instants, (window, second) => {
      expect(windowState(window, DateTime.fromSeconds(second)).blocked).toBe(byWallClock(window, second * 1000));
    }),
    { numRuns: 400 },
  );
});

test('the next change is the first second at which the wall clock says something else', () => {
  fc.assert(
    fc.property(windows, instants, (window, second) => {
      const state = windowState(window, DateTime.fromSeconds(second));
      if (state.nextChange === undefined) return;
      const change = state.nextChange.toMillis();
      expect(byWallClock(window, change)).toBe(!state.blocked);
      expect(byWallClock(window, change - 1000)).toBe(state.blocked);
    }),
    { numRuns: 200 },
  );
});

test('every change of the clocks in New York from 2007 to 2035 is found, to the second', () => {
  const { initialMinutes, transitions } = zoneOffsets('America/New_York', Date.UTC(2007, 0), Date.UTC(2036, 0));
  expect(initialMinutes).toBe(-300);
  // Second Sunday of March at 07:00 UTC, first Sunday of November at 06:00 UTC.
  const sunday = (year: number, month: number, nth: number) =>
    1 + ((7 - new Date(Date.UTC(year, month, 1)).getUTCDay()) % 7) + 7 * (nth - 1);
  const expected = Array.from({ length: 29 }, (_, index) => 2007 + index).flatMap((year) => [
    { at: Date.UTC(year, 2, sunday(year, 2, 2), 7), offsetMinutes: -240 },
    { at: Date.UTC(year, 10, sunday(year, 10, 1), 6), offsetMinutes: -300 },
  ]);
  expect(transitions).toEqual(expected);
});

test('intervals are in order and do not touch', () => {
  const window: PromotionWindow = { timeZone: 'America/New_York', days: ['Mon', 'Tue'], from: '00:00', to: '24:00' };
  const found = blockedIntervals(window, Date.UTC(2026, 0), Date.UTC(2027, 0));
  expect(found.length).toBe(52);
  for (const [index, interval] of found.entries()) {
    expect(interval.end).toBeGreaterThan(interval.start);
    expect(interval.start).toBeGreaterThan(found[index - 1]?.end ?? 0);
  }
});

test('the table of a year lists every session, early closes marked, and the holidays', () => {
  const window: PromotionWindow = {
    timeZone: 'America/New_York',
    days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'],
    from: '09:30',
    to: '16:00',
    calendar: 'XNYS',
    closedDays: ['2027-06-01'],
  };
  const { blocked, open } = windowCalendar(window, 2027);
  expect(blocked.length).toBe(261 - 10 - 1);
  expect(blocked.filter((row) => row.earlyClose).map((row) => row.date)).toEqual(['2027-11-26']);
  expect(open.map((day) => `${day.date} ${day.reason}`)).toEqual([
    '2027-01-01 holiday',
    '2027-01-18 holiday',
    '2027-02-15 holiday',
    '2027-03-26 holiday',
    '2027-05-31 holiday',
    '2027-06-01 closed-day',
    '2027-06-18 holiday',
    '2027-07-05 holiday',
    '2027-09-06 holiday',
    '2027-11-25 holiday',
    '2027-12-24 holiday',
  ]);
});

test('an unknown zone is refused', () => {
  expect(() => zoneOffsets('Mars/Olympus', 0, 1)).toThrow(/no time zone/);
});
