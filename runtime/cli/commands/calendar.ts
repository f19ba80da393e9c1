import { windowCalendar } from '../../../model/promotion-window/calendar-table.ts';
import { type PromotionWindow, windowText } from '../../../model/promotion-window/window.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import { CliError, type ExitCode, exitCode } from '../io.ts';
import type { Session } from '../session.ts';
import { stageOf, zoneOf } from '../settings.ts';
import { table } from '../text.ts';

export interface CalendarOptions {
  /** @default the year that it is in the zone of the window */
  readonly year?: string;
  readonly stage?: string;
}

interface WindowOfStages {
  readonly window: PromotionWindow;
  readonly stages: readonly string[];
}

/** Every blocked span of a year, one table for each window. */
export function calendar(session: Session, options: CalendarOptions): ExitCode {
  const { settings } = session;
  const text = options.year ?? session.now.setZone(zoneOf(settings)).toFormat('yyyy');
  const year = Number(text);
  if (!/^\d{4}$/.test(text) || year < 1970)
    throw new CliError(`${JSON.stringify(text)} is no year; write it like 2027`, exitCode.usage);
  const windows = windowsOf(options.stage === undefined ? settings.stages : [stageOf(settings, options.stage)]);
  if (windows.length === 0)
    throw new CliError(`no window: ${options.stage ?? 'every stage'} can be promoted to at any time`);
  const tables = windows.map(({ window, stages }) => ({ window, stages, ...windowCalendar(window, year) }));
  const answer = tables.map(({ window, stages, blocked, open }) => ({
    window: windowText(window),
    stages,
    blocked: blocked.map((row) => ({
      date: row.date,
      from: row.from.toISO(),
      to: row.to.toISO(),
      earlyClose: row.earlyClose,
    })),
    open,
  }));
  session.print({ year, windows: answer }, () => tables.map((one) => calendarText(year, one)).join('\n'));
  return exitCode.done;
}

function windowsOf(stages: readonly Stage[]): WindowOfStages[] {
  const windows = new Map<string, WindowOfStages>();
  for (const { name, gate } of stages) {
    if (!gate?.window) continue;
    const key = JSON.stringify(gate.window);
    windows.set(key, { window: gate.window, stages: [...(windows.get(key)?.stages ?? []), name] });
  }
  return [...windows.values()];
}

type Calendar = WindowOfStages & ReturnType<typeof windowCalendar>;

function calendarText(year: number, { window, stages, blocked, open }: Calendar): string {
  const title = `${stages.join(', ')}: ${windowText(window)}, ${year}: ${blocked.length} times blocked\n`;
  const rows = blocked.map((row) => [
    row.from.setLocale('en-US').toFormat('ccc'),
    row.date,
    row.from.toFormat('HH:mm'),
    row.to.toFormat('HH:mm'),
    `${row.from.toUTC().toFormat('HH:mm')}-${row.to.toUTC().toFormat('HH:mm')}`,
    row.earlyClose ? 'early close' : '',
  ]);
  const days =
    open.length === 0
      ? ''
      : `not blocked: ${open.map((day) => `${day.date} (${day.reason === 'holiday' ? 'holiday' : 'closed day'})`).join(', ')}\n`;
  return title + table(['DAY', 'DATE', 'FROM', 'UNTIL', 'UTC', ''], rows) + days;
}
