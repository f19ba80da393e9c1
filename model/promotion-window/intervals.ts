import { blockedRange, type DayKind } from './blocked-range.ts';
import type { PromotionWindow } from './window.ts';
import type { CalendarDate } from './xnys.ts';
import { zoneOffsets } from './zone-transitions.ts';

/** A blocked span of time: `start` inclusive, `end` exclusive, in milliseconds since 1970. */
export interface BlockedInterval {
  readonly start: number;
  readonly end: number;
  /** The local date it belongs to. */
  readonly date: CalendarDate;
  readonly kind: DayKind;
}

const minute = 60_000;
const day = 1440 * minute;

/**
 * The blocked spans of time that begin or end between two instants, in order. A window is a statement about the wall clock:
 * an instant is blocked where the wall clock shows a blocked minute. Where the clock is changed inside a window, the skipped
 * hour is missing from its span and the repeated hour is in it twice.
 */
export function blockedIntervals(window: PromotionWindow, fromMillis: number, toMillis: number): BlockedInterval[] {
  const start = fromMillis - 2 * day;
  const end = toMillis + 2 * day;
  const { initialMinutes, transitions } = zoneOffsets(window.timeZone, start, end);
  const segments = [{ at: start, offsetMinutes: initialMinutes }, ...transitions];
  const pieces = segments.flatMap((segment, index) => {
    const until = segments[index + 1]?.at ?? end;
    return inSegment(window, segment.at, until, segment.offsetMinutes * minute);
  });
  return join(pieces).filter((interval) => interval.end > fromMillis && interval.start < toMillis);
}

/** Within a span of constant offset the wall clock is UTC shifted by it. */
function inSegment(window: PromotionWindow, start: number, end: number, offset: number): BlockedInterval[] {
  const intervals: BlockedInterval[] = [];
  const firstDay = Math.floor((start + offset) / day) * day;
  for (let midnight = firstDay; midnight < end + offset; midnight += day) {
    const local = new Date(midnight);
    const date = { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() };
    const range = blockedRange(window, date);
    if (range.minutes === undefined) continue;
    const from = Math.max(midnight + range.minutes.from * minute - offset, start);
    const to = Math.min(midnight + range.minutes.to * minute - offset, end);
    if (from < to) intervals.push({ start: from, end: to, date, kind: range.kind });
  }
  return intervals;
}

/** Spans that touch are one: a window that reaches midnight goes on in the next day's. */
function join(pieces: readonly BlockedInterval[]): BlockedInterval[] {
  const joined: BlockedInterval[] = [];
  for (const piece of pieces) {
    const last = joined[joined.length - 1];
    if (last !== undefined && last.end === piece.start) joined[joined.length - 1] = { ...last, end: piece.end };
    else joined.push(piece);
  }
  return joined;
}
