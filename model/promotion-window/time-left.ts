/**
 * A span of time for people, to the minute, never shorter than it is: `2h13m`, `58m`, `2d17h30m`. One started minute counts
 * whole, so that a window which opens in 20 seconds "opens in 1m".
 *
 * @param millis length of the span in milliseconds; a negative one counts as nothing
 */
export function timeLeftText(millis: number): string {
  return minutesText(Math.max(0, Math.ceil(millis / 60_000)));
}

/** The same for whole minutes. */
export function minutesText(minutes: number): string {
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor(minutes / 60) % 24;
  const rest = String(minutes % 60);
  if (days > 0) return `${days}d${String(hours).padStart(2, '0')}h${rest.padStart(2, '0')}m`;
  return hours > 0 ? `${hours}h${rest.padStart(2, '0')}m` : `${rest}m`;
}
