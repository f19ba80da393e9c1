import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { windowVariables } from '../../../constructs/gate/window-variables.ts';
import {
  blockedIntervals,
  type PromotionWindow,
  timeLeftText,
  zoneOffsets,
} from '../../../model/promotion-window/index.ts';
import { celWindow } from '../../support/gate/cel.ts';
import { newYork } from '../../support/gate/example.ts';

const years = { from: 2007, to: 2035 };
const start = Date.UTC(2007, 0, 1);
const end = Date.UTC(2036, 0, 1);
const second = 1000;
const minute = 60 * second;
const day = 1440 * minute;

const windows: ReadonlyArray<readonly [string, PromotionWindow]> = [
  ['market hours', newYork],
  ['exchange sessions', { ...newYork, calendar: 'XNYS', closedDays: ['2027-04-01'] }],
];

/** One second before, at and after every boundary of every window of 29 years. */
function boundaries(window: PromotionWindow): number[] {
  return blockedIntervals(window, start, end)
    .flatMap((interval) => [interval.start, interval.end])
    .flatMap((boundary) => [boundary - second, boundary, boundary + second]);
}

/** The hours around every change of the clocks, by the minute, and the seconds next to it. */
const clockChanges: readonly number[] = zoneOffsets('America/New_York', start, end).transitions.flatMap(({ at }) => [
  at - second,
  at,
  at + second,
  ...Array.from({ length: 24 }, (_, index) => at + (index - 12) * 15 * minute),
]);

/** The model as a lookup, so that millions of instants can be asked for. */
function lookup(window: PromotionWindow): (millis: number) => { blocked: boolean; end: number } {
  const intervals = blockedIntervals(window, start - 7 * day, end + 7 * day);
  let position = 0;
  return (millis) => {
    if ((intervals[position - 1]?.end ?? 0) > millis) position = 0;
    while ((intervals[position]?.end ?? Number.POSITIVE_INFINITY) <= millis) position += 1;
    const interval = intervals[position];
    return { blocked: interval !== undefined && interval.start <= millis, end: interval?.end ?? 0 };
  };
}

function differences(
  window: PromotionWindow,
  cel: ReturnType<typeof celWindow>,
  instants: readonly number[],
): string[] {
  const model = lookup(window);
  return instants.flatMap((millis) => {
    const expected = model(millis);
    const answer = cel(millis);
    const same =
      answer.blocked === expected.blocked &&
      (!expected.blocked || answer.left() === timeLeftText(expected.end - millis));
    return same ? [] : [new Date(millis).toISOString()];
  });
}

describe.each(windows)('CEL with UTC arithmetic: %s', (_, window) => {
  const cel = celWindow(window, { clock: 'utc-arithmetic', years });

  test('equals the model at every boundary of 29 years, and its time left', () => {
    const instants = boundaries(window);
    expect(instants.length).toBeGreaterThan(40_000);
    expect(differences(window, cel, instants)).toEqual([]);
  });

  test('equals the model around both changes of the clocks in every year from 2007 to 2035', () => {
    expect(clockChanges.length).toBe(29 * 2 * 27);
    expect(differences(window, cel, clockChanges)).toEqual([]);
  });
});

test('CEL with UTC arithmetic equals the model at every minute of a year, weekends and nights included', () => {
  const cel = celWindow(newYork, { clock: 'utc-arithmetic', years: { from: 2028, to: 2028 } });
  const model = lookup(newYork);
  let wrong = 0;
  let blocked = 0;
  for (let millis = Date.UTC(2028, 0, 1); millis < Date.UTC(2029, 0, 1); millis += minute) {
    const expected = model(millis).blocked;
    if (cel(millis).blocked !== expected) wrong += 1;
    if (expected) blocked += 1;
  }
  expect(wrong).toBe(0);
  expect(blocked).toBe(260 * 390);
});

describe('CEL with zone names', () => {
  const before = process.env.TZ;
  beforeAll(() => {
    process.env.TZ = 'UTC';
  });
  afterAll(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });

  test.each(windows)(
    'equals the model around every change of the clocks and at boundaries of every year: %s',
    (_, window) => {
      const cel = celWindow(window, { clock: 'zone-names', years });
      // Every 97th boundary: the evaluator reads zones slowly. The three instants around one are neighbours in the list.
      const instants = [...clockChanges, ...boundaries(window).filter((_, index) => Math.floor(index / 3) % 97 === 0)];
      expect(differences(window, cel, instants)).toEqual([]);
    },
  );
});

test('after the years that are written down, arithmetic blocks every instant', () => {
  const cel = celWindow(newYork, { clock: 'utc-arithmetic', years: { from: 2026, to: 2027 } });
  expect(cel(Date.UTC(2028, 0, 1) - second).blocked).toBe(false);
  expect(cel(Date.UTC(2028, 0, 1)).blocked).toBe(true);
  expect(cel(Date.UTC(2028, 0, 2)).blocked).toBe(true);
});

test('a zone without changes of its clock needs no list of them', () => {
  const window: PromotionWindow = { timeZone: 'Asia/Kolkata', days: ['Mon'], from: '09:00', to: '10:00' };
  const { variables } = windowVariables(window, { clock: 'utc-arithmetic', years: { from: 2026, to: 2027 } });
  expect(variables.find((variable) => variable.name === 'offsetMinutes')?.expression).toBe('330');
  const cel = celWindow(window, { clock: 'utc-arithmetic', years });
  const monday = DateTime.fromISO('2026-11-23T09:00:00', { zone: 'Asia/Kolkata' }).toMillis();
  expect([cel(monday - second).blocked, cel(monday).blocked, cel(monday).left()]).toEqual([false, true, '1h00m']);
});
