import { expect, test } from 'vitest';
import { xnysClosedDates, xnysDay, xnysEarlyCloseDates, xnysKnows } from '../../../model/promotion-window/index.ts';

/** The schedules that the exchange published: holidays, and early closes after the bar. */
const published: Record<number, string> = {
  2007: '01-01 01-02 01-15 02-19 04-06 05-28 07-04 09-03 11-22 12-25 | 07-03 11-23 12-24',
  2008: '01-01 01-21 02-18 03-21 05-26 07-04 09-01 11-27 12-25 | 07-03 11-28 12-24',
  2009: '01-01 01-19 02-16 04-10 05-25 07-03 09-07 11-26 12-25 | 11-27 12-24',
  2010: '01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24 | 11-26',
  2011: '01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26 | 11-25',
  2012: '01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25 | 07-03 11-23 12-24',
  2013: '01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25 | 07-03 11-29 12-24',
  2018: '01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25 | 07-03 11-23 12-24',
  2020: '01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25 | 11-27 12-24',
  2021: '01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24 | 11-26',
  2022: '01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26 | 11-25',
  2023: '01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25 | 07-03 11-24',
  2024: '01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25 | 07-03 11-29 12-24',
  2025: '01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25 | 07-03 11-28 12-24',
  2026: '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25 | 11-27 12-24',
  2027: '01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24 | 11-26',
  2028: '01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25 | 07-03 11-24',
};

test.each(Object.entries(published))('the schedule of %s is the published one', (year, schedule) => {
  const [closed, early] = schedule.split(' | ').map((half) => half.split(' ').map((date) => `${year}-${date}`));
  expect(xnysClosedDates(Number(year))).toEqual(closed);
  expect(xnysEarlyCloseDates(Number(year))).toEqual(early);
});

test('weekends, holidays, early closes and sessions of single dates', () => {
  expect(xnysDay({ year: 2026, month: 11, day: 28 })).toBe('closed');
  expect(xnysDay({ year: 2026, month: 11, day: 26 })).toBe('closed');
  expect(xnysDay({ year: 2026, month: 11, day: 27 })).toBe('early-close');
  expect(xnysDay({ year: 2026, month: 11, day: 30 })).toBe('session');
});

test('Juneteenth is a holiday from 2022 on', () => {
  expect(xnysDay({ year: 2020, month: 6, day: 19 })).toBe('session');
  expect(xnysDay({ year: 2024, month: 6, day: 19 })).toBe('closed');
});

test('a New Year on Saturday closes no Friday', () => {
  expect(xnysDay({ year: 2027, month: 12, day: 31 })).toBe('session');
});

test('the calendar says for which years it holds', () => {
  expect([2006, 2007, 2035, 2036].map(xnysKnows)).toEqual([false, true, true, false]);
});
