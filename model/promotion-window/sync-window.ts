import { type PromotionWindow, weekdays, windowMinutes } from './window.ts';

/** The part of an Argo CD AppProject sync window that follows from a promotion window. R18.1, R25.2 */
export interface SyncWindow {
  /** Cron expression in the window's own time zone: when syncs begin to be denied. */
  readonly schedule: string;
  /** Length in Go's notation, for example `6h30m`. */
  readonly duration: string;
  readonly timeZone: string;
}

/**
 * The sync window that keeps automated syncs out of the same hours as promotions. It knows weekdays and hours only: on
 * holidays and after early closes of a calendar a chart commit waits as on any other day, which is the safe side.
 */
export function syncWindow(window: PromotionWindow): SyncWindow {
  const { from, to } = windowMinutes(window);
  const days = window.days
    .map((day) => (weekdays.indexOf(day) + 1) % 7)
    .sort((a, b) => a - b)
    .join(',');
  return {
    schedule: `${from % 60} ${Math.floor(from / 60)} * * ${days}`,
    duration: goDuration(to - from),
    timeZone: window.timeZone,
  };
}

function goDuration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return `${hours > 0 ? `${hours}h` : ''}${rest > 0 ? `${rest}m` : ''}`;
}
