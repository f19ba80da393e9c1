import { IANAZone } from 'luxon';

/** From `at` on, the wall clock of the zone is `offsetMinutes` ahead of UTC. */
export interface ZoneTransition {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly offsetMinutes: number;
}

/** The offsets of a zone over a span of time. */
export interface ZoneOffsets {
  /** Offset at the beginning of the span. */
  readonly initialMinutes: number;
  /** Every change in the span, in order, exact to the second. */
  readonly transitions: readonly ZoneTransition[];
}

const step = 6 * 3_600_000;

/**
 * The offsets of a zone between two instants (milliseconds since 1970, end exclusive). Two changes of the clock within six
 * hours would be missed; no zone has had them.
 *
 * @throws RangeError where the zone is unknown
 */
export function zoneOffsets(timeZone: string, fromMillis: number, toMillis: number): ZoneOffsets {
  if (!IANAZone.isValidZone(timeZone)) {
    throw new RangeError(`${timeZone} is no time zone; use an IANA name like America/New_York`);
  }
  const zone = IANAZone.create(timeZone);
  const transitions: ZoneTransition[] = [];
  const initialMinutes = zone.offset(fromMillis);
  let offset = initialMinutes;
  for (let at = fromMillis; at < toMillis; at += step) {
    const end = Math.min(at + step, toMillis);
    const next = zone.offset(end);
    if (next !== offset) {
      const change = firstWith(zone, next, at, end);
      if (change < toMillis) transitions.push({ at: change, offsetMinutes: next });
      offset = next;
    }
  }
  return { initialMinutes, transitions };
}

/** The first whole second in (low, high] at which the zone has the offset that it has at `high`. */
function firstWith(zone: IANAZone, offset: number, low: number, high: number): number {
  let before = Math.floor(low / 1000);
  let after = Math.ceil(high / 1000);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (zone.offset(middle * 1000) === offset) after = middle;
    else before = middle;
  }
  return after * 1000;
}
