/** A commit or tag, short enough to read; the whole one belongs in the title. */
export function shortTag(tag: string): string {
  return /^[0-9a-f]{40}$/.test(tag) ? tag.slice(0, 12) : tag;
}

const steps: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** `3 d 4 h ago`, `just now`: how long ago something was. */
export function ago(then: string | undefined, now: Date): string {
  const span = spanSince(then, now);
  if (span === undefined) return 'unknown';
  return span === '' ? 'just now' : `${span} ago`;
}

/** `for 3 d 4 h`, `since just now`: how long something has lasted. */
export function lasting(since: string | undefined, now: Date): string {
  const span = spanSince(since, now);
  if (span === undefined) return 'since an unknown time';
  return span === '' ? 'since just now' : `for ${span}`;
}

/** Undefined where the time is not known; empty for less than a minute. */
function spanSince(then: string | undefined, now: Date): string | undefined {
  const millis = then === undefined ? Number.NaN : now.getTime() - Date.parse(then);
  if (Number.isNaN(millis)) return undefined;
  if (millis < 60_000) return '';
  const index = steps.findIndex(([length]) => millis >= length);
  const [length, unit] = steps[index]!;
  const next = steps[index + 1];
  const whole = Math.floor(millis / length);
  const rest = next && whole < 10 ? Math.floor((millis % length) / next[0]) : 0;
  return `${whole} ${unit}${rest > 0 && next ? ` ${rest} ${next[1]}` : ''}`;
}

/** Date and time of the reader's own zone, to the second, with the zone's name. */
export function localTime(at: string | undefined): string {
  if (at === undefined || Number.isNaN(Date.parse(at))) return '';
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' }).format(new Date(at));
}

/** Time between two moments: `1 h 4 min`, `12 s`. */
export function lasted(from: string | undefined, to: string | undefined): string {
  const millis = Date.parse(to ?? '') - Date.parse(from ?? '');
  if (Number.isNaN(millis) || millis < 0) return '';
  const seconds = Math.round(millis / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An http(s) address of a commit, or undefined where there is none. */
export function commitAddress(pattern: string | undefined, tag: string): string | undefined {
  if (pattern === undefined || tag === '') return undefined;
  const address = pattern.replace('{tag}', encodeURIComponent(tag));
  return /^https?:\/\//.test(address) ? address : undefined;
}
