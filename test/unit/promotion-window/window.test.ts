import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import {
  daysText,
  type PromotionWindow,
  promotionWindow,
  timeLeftText,
  windowState,
  windowText,
} from '../../../model/promotion-window/index.ts';

const newYork: PromotionWindow = {
  timeZone: 'America/New_York',
  days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'],
  from: '09:30',
  to: '16:00',
};

function at(local: string, zone = 'America/New_York'): DateTime {
  return DateTime.fromISO(local, { zone });
}

describe('market hours of New York', () => {
  test.each([
    ['2026-11-23T09:29:59', false, 'closes in 1m'],
    ['2026-11-23T09:30:00', true, 'opens in 6h30m'],
    ['2026-11-23T13:47:00', true, 'opens in 2h13m'],
    ['2026-11-23T15:02:00', true, 'opens in 58m'],
    ['2026-11-23T15:59:59', true, 'opens in 1m'],
    ['2026-11-23T16:00:00', false, 'closes in 17h30m'],
    ['2026-11-27T16:00:00', false, 'closes in 2d17h30m'],
    ['2026-11-28T12:00:00', false, 'closes in 1d21h30m'],
    ['2026-11-29T23:59:59', false, 'closes in 9h31m'],
  ])('at %s: blocked %s, %s', (local, blocked, left) => {
    const state = windowState(newYork, at(local));
    expect(state.blocked).toBe(blocked);
    expect(state.timeLeftText).toBe(left);
  });

  test.each([
    ['winter', '2026-01-12T14:29:59Z', '2026-01-12T14:30:00Z', '2026-01-12T21:00:00Z'],
    ['the Friday before the clocks go forward', '2026-03-06T14:29:59Z', '2026-03-06T14:30:00Z', '2026-03-06T21:00:00Z'],
    [
      'the Monday after the clocks went forward',
      '2026-03-09T13:29:59Z',
      '2026-03-09T13:30:00Z',
      '2026-03-09T20:00:00Z',
    ],
    ['the Friday before the clocks go back', '2026-10-30T13:29:59Z', '2026-10-30T13:30:00Z', '2026-10-30T20:00:00Z'],
    ['the Monday after the clocks went back', '2026-11-02T14:29:59Z', '2026-11-02T14:30:00Z', '2026-11-02T21:00:00Z'],
  ])('daylight saving: %s', (_, before, opening, close) => {
    const blocked = (instant: string) => windowState(newYork, DateTime.fromISO(instant)).blocked;
    expect(blocked(before)).toBe(false);
    expect(blocked(opening)).toBe(true);
    expect(windowState(newYork, DateTime.fromISO(opening)).nextChange?.toMillis()).toBe(Date.parse(close));
    expect(blocked(close)).toBe(false);
  });

  test('a weekend with a change of the clocks is as long as it really is', () => {
    expect(windowState(newYork, at('2026-03-06T16:00:00')).timeLeftText).toBe('closes in 2d16h30m');
    expect(windowState(newYork, at('2026-10-30T16:00:00')).timeLeftText).toBe('closes in 2d18h30m');
  });

  test('says why', () => {
    expect(windowState(newYork, at('2026-11-23T10:00')).reason).toBe(
      'market hours 09:30-16:00 America/New_York, Mon-Fri',
    );
    expect(windowState(newYork, at('2026-11-28T10:00')).reason).toBe('Saturday is no day of the window');
    expect(windowState(newYork, at('2026-11-23T08:00')).reason).toMatch(/^outside market hours/);
  });

  test('the zone of the caller does not matter', () => {
    const tokyo = at('2026-11-24T00:30:00', 'Asia/Tokyo');
    expect(windowState(newYork, tokyo)).toMatchObject({ blocked: true, timeLeftText: 'opens in 5h30m' });
  });

  test('an instant that is none is refused', () => {
    expect(() => windowState(newYork, DateTime.invalid('no time'))).toThrow(RangeError);
  });
});

describe('calendar XNYS', () => {
  const sessions: PromotionWindow = { ...newYork, calendar: 'XNYS' };

  test.each([
    ['a holiday is open', '2026-11-26T10:00', false, 'closes in 23h30m', 'the exchange is closed on 2026-11-26'],
    ['an early close blocks until 13:00', '2026-11-27T12:59:59', true, 'opens in 1m', 'early close'],
    ['and opens at 13:00:00', '2026-11-27T13:00:00', false, 'closes in 2d20h30m', 'outside market hours'],
    ['the last year that is known', '2035-12-24T14:00', false, 'closes in 1d19h30m', 'outside market hours'],
    ['later every weekday blocks', '2036-11-27T10:00', true, 'opens in 6h00m', 'ends before 2036'],
  ])('%s', (_, local, blocked, left, reason) => {
    const state = windowState(sessions, at(local));
    expect(state).toMatchObject({ blocked, timeLeftText: left });
    expect(state.reason).toContain(reason);
  });

  test('without the calendar every weekday blocks, holidays too', () => {
    expect(windowState(newYork, at('2026-11-26T10:00')).blocked).toBe(true);
  });

  test('the end of a longer window moves by the same three hours as the close', () => {
    const longer: PromotionWindow = { ...sessions, to: '16:30' };
    expect(windowState(longer, at('2026-11-27T13:29:59')).blocked).toBe(true);
    expect(windowState(longer, at('2026-11-27T13:30:00')).blocked).toBe(false);
  });

  test('a window after the early close does not block on that day', () => {
    const late: PromotionWindow = { ...sessions, from: '15:00' };
    expect(windowState(late, at('2026-11-27T15:30:00')).blocked).toBe(false);
    expect(windowState(late, at('2026-11-30T15:30:00')).blocked).toBe(true);
  });
});

describe('other windows', () => {
  test('listed closed days are open', () => {
    const window: PromotionWindow = { ...newYork, closedDays: ['2026-11-24'] };
    expect(windowState(window, at('2026-11-24T10:00'))).toMatchObject({
      blocked: false,
      reason: '2026-11-24 is listed as a closed day',
    });
  });

  test('a window around the clock on every day never opens', () => {
    const window: PromotionWindow = {
      timeZone: 'Europe/Berlin',
      days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
      from: '00:00',
      to: '24:00',
    };
    const state = windowState(window, at('2026-11-24T10:00'));
    expect(state).toMatchObject({ blocked: true, timeLeftText: 'never opens' });
    expect(state.nextChange).toBeUndefined();
  });

  test('spans that touch at midnight are one', () => {
    const window: PromotionWindow = { timeZone: 'UTC', days: ['Sat', 'Sun'], from: '00:00', to: '24:00' };
    expect(windowState(window, at('2026-11-28T00:00:00', 'UTC')).timeLeftText).toBe('opens in 2d00h00m');
  });

  test('an hour that the clock skips is missing, and one that it repeats is blocked twice', () => {
    const night: PromotionWindow = { timeZone: 'America/New_York', days: ['Sun'], from: '01:00', to: '03:00' };
    const length = (start: string) => {
      const state = windowState(night, DateTime.fromISO(start));
      expect(state.blocked).toBe(true);
      return state.timeLeft?.as('minutes');
    };
    expect(length('2026-03-08T06:00:00Z')).toBe(60);
    expect(length('2026-11-01T05:00:00Z')).toBe(180);
  });
});

describe('settings of a window', () => {
  const problems = (value: unknown) => promotionWindow.safeParse(value).error?.issues.map((issue) => issue.message);

  test('a good window is accepted as it is', () => {
    expect(promotionWindow.parse({ ...newYork, calendar: 'XNYS', closedDays: ['2026-12-24'] })).toEqual({
      ...newYork,
      calendar: 'XNYS',
      closedDays: ['2026-12-24'],
    });
  });

  test.each([
    ['an unknown zone', { ...newYork, timeZone: 'America/New_Yrok' }, 'no time zone'],
    ['no day', { ...newYork, days: [] }, 'never blocks'],
    ['a day twice', { ...newYork, days: ['Mon', 'Mon'] }, 'listed twice'],
    ['an unknown day', { ...newYork, days: ['Mo'] }, 'Invalid option'],
    ['an inverted window', { ...newYork, from: '16:00', to: '09:30' }, 'ends before it begins'],
    ['an empty window', { ...newYork, to: '09:30' }, 'or is empty'],
    ['a time without leading zero', { ...newYork, from: '9:30' }, 'no time of day'],
    ['a time past midnight', { ...newYork, to: '24:01' }, 'no time of day'],
    ['a date that does not exist', { ...newYork, closedDays: ['2026-02-30'] }, 'no date'],
    ['an unknown calendar', { ...newYork, calendar: 'XLON' }, 'Invalid input'],
    ['an unknown field', { ...newYork, until: '16:00' }, 'until'],
  ])('%s is refused', (_, value, text) => {
    expect(problems(value)?.join('\n')).toContain(text);
  });
});

test('time left is rounded up to the minute and never negative', () => {
  expect([0, 1, 60_000, 60_001, 3_600_000, 86_400_000, -5].map(timeLeftText)).toEqual([
    '0m',
    '1m',
    '1m',
    '2m',
    '1h00m',
    '1d00h00m',
    '0m',
  ]);
});

test('a window in words', () => {
  expect(windowText(newYork)).toBe('09:30-16:00 America/New_York, Mon-Fri');
  expect(windowText({ ...newYork, calendar: 'XNYS' })).toBe('09:30-16:00 America/New_York, Mon-Fri, XNYS sessions');
  expect(daysText(['Wed', 'Mon'])).toBe('Mon, Wed');
  expect(daysText(['Sat', 'Sun'])).toBe('Sat, Sun');
});
