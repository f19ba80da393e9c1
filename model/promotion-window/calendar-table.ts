import { DateTime } from 'luxon';
import { blockedRange } from './blocked-range.ts';
import { blockedIntervals } from './intervals.ts';
import type { PromotionWindow } from './window.ts';

/** One blocked span, as a row of a table. */
export interface CalendarRow {
  /** Local date, `YYYY-MM-DD`. */
  readonly date: string;
  readonly from: DateTime;
  readonly to: DateTime;
  readonly earlyClose: boolean;
}

/** A day of the window on which nothing is blocked. */
export interface OpenDay {
  readonly date: string;
  readonly reason: 'holiday' | 'closed-day';
}

/** All blocked spans of a local year, and the days on which the window does not apply. */
export function windowCalendar(
  window: PromotionWindow,
  year: number,
): { readonly blocked: readonly CalendarRow[]; readonly open: readonly OpenDay[] } {
  const start = DateTime.fromObject({ year }, { zone: window.timeZone });
  const end = start.plus({ years: 1 });
  const blocked = blockedIntervals(window, start.toMillis(), end.toMillis()).map((interval) => {
    const from = DateTime.fromMillis(interval.start, { zone: window.timeZone });
    return {
      date: from.toISODate() ?? '',
      from,
      to: DateTime.fromMillis(interval.end, { zone: window.timeZone }),
      earlyClose: interval.kind === 'early-close',
    };
  });
  const open: OpenDay[] = [];
  for (let date = start; date < end; date = date.plus({ days: 1 })) {
    const { kind } = blockedRange(window, { year: date.year, month: date.month, day: date.day });
    if (kind === 'holiday' || kind === 'closed-day') open.push({ date: date.toISODate() ?? '', reason: kind });
  }
  return { blocked, open };
}
