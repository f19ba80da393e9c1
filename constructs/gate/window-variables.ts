import {
  earlyCloseMinutes,
  type PromotionWindow,
  type WindowMinutes,
  weekdays,
  windowMinutes,
  xnysClosedDates,
  xnysEarlyCloseDates,
  xnysKnows,
  zoneOffsets,
} from '../../model/promotion-window/index.ts';
import { type CelVariable, integers, text } from './cel.ts';

/**
 * How a policy reads the wall clock of a zone.
 *
 * - `zone-names`: by the zone's name; needs zone data in every API server (see ZoneProbe).
 * - `utc-arithmetic`: from the zone's changes, which are written into the policy; needs nothing.
 */
export type ZoneClock = 'zone-names' | 'utc-arithmetic';

export interface WindowVariablesOptions {
  readonly clock: ZoneClock;
  /** Years whose clock changes and exchange holidays are written down. Later, arithmetic ends and every instant blocks. */
  readonly years: { readonly from: number; readonly to: number };
  /** Distinguishes the variables of several windows in one policy. @default '' */
  readonly suffix?: string;
}

/** The variables of one window: their definitions, and the names of the results. */
export interface WindowVariables {
  readonly variables: readonly CelVariable[];
  /** CEL, a boolean: whether `variables.now` is blocked. */
  readonly blocked: string;
  /** CEL, a string: time until the window opens, `2h13m`. Has a meaning only while blocked. */
  readonly left: string;
}

/** The window as named CEL over `variables.now` (a timestamp). R18.1, R18.4 */
export function windowVariables(window: PromotionWindow, options: WindowVariablesOptions): WindowVariables {
  const suffix = options.suffix ?? '';
  const own = (name: string) => `variables.${name}${suffix}`;
  const { from, to } = windowMinutes(window);
  const days = window.days.map((day) => (weekdays.indexOf(day) + 1) % 7).sort((a, b) => a - b);
  const exceptions = exceptionVariables(window, { from, to }, options, own);
  const zone = zoneReading(window.timeZone, options, own);
  const conditions = [
    `${own('weekday')} in ${integers(days)}`,
    ...(exceptions.closed === undefined ? [] : [`!(${own('date')} in ${exceptions.closed})`]),
    `${own('minute')} >= ${from}`,
    `${own('minute')} < ${exceptions.end}`,
  ].join(' && ');
  const definitions: CelVariable[] = [
    ...zone.variables,
    { name: 'weekday', expression: zone.get('getDayOfWeek') },
    { name: 'minute', expression: `${zone.get('getHours')} * 60 + ${zone.get('getMinutes')}` },
    ...exceptions.variables(zone.get),
    {
      name: 'blocked',
      expression: zone.knownUntil === undefined ? conditions : `${zone.knownUntil} || (${conditions})`,
    },
    { name: 'minutesLeft', expression: `${exceptions.end} - ${own('minute')}` },
    {
      name: 'left',
      expression: `(${own('minutesLeft')} < 60 ? '' : string(${own('minutesLeft')} / 60) + 'h' + (${own('minutesLeft')} % 60 < 10 ? '0' : '')) + string(${own('minutesLeft')} % 60) + 'm'`,
    },
  ];
  return {
    variables: definitions.map((variable) => ({ ...variable, name: `${variable.name}${suffix}` })),
    blocked: own('blocked'),
    left: own('left'),
  };
}

type Getter = 'getDayOfWeek' | 'getHours' | 'getMinutes' | 'getFullYear' | 'getMonth' | 'getDate';

interface ZoneReading {
  readonly variables: readonly CelVariable[];
  readonly get: (getter: Getter) => string;
  /** CEL that is true once the arithmetic knows no more changes. */
  readonly knownUntil?: string;
}

function zoneReading(timeZone: string, options: WindowVariablesOptions, own: (name: string) => string): ZoneReading {
  if (options.clock === 'zone-names') {
    return { variables: [], get: (getter) => `variables.now.${getter}(${text(timeZone)})` };
  }
  const start = Date.UTC(options.years.from, 0, 1);
  const end = Date.UTC(options.years.to + 1, 0, 1);
  const { initialMinutes, transitions } = zoneOffsets(timeZone, start, end);
  const changes = transitions.map(({ at }) => at / 1000);
  const offsets = [initialMinutes, ...transitions.map(({ offsetMinutes }) => offsetMinutes)];
  const offset =
    changes.length === 0
      ? String(initialMinutes)
      : `${integers(offsets)}[${integers(changes)}.filter(change, change <= ${own('second')}).size()]`;
  return {
    variables: [
      { name: 'second', expression: 'int(variables.now)' },
      { name: 'offsetMinutes', expression: offset },
      { name: 'local', expression: `variables.now + duration(string(${own('offsetMinutes')}) + 'm')` },
    ],
    get: (getter) => `${own('local')}.${getter}()`,
    knownUntil: `${own('second')} >= ${end / 1000}`,
  };
}

/** Holidays, early closes and closed days as lists of numbers such as 20261126. */
function exceptionVariables(
  window: PromotionWindow,
  { from, to }: WindowMinutes,
  options: WindowVariablesOptions,
  own: (name: string) => string,
) {
  const years = window.calendar === undefined ? [] : range(options.years).filter(xnysKnows);
  const closed = [...new Set([...years.flatMap(xnysClosedDates), ...(window.closedDays ?? [])])].sort();
  const early = years.flatMap(xnysEarlyCloseDates);
  const number = (date: string) => Number(date.replaceAll('-', ''));
  const variables = (get: (getter: Getter) => string): CelVariable[] => {
    if (closed.length === 0 && early.length === 0) return [];
    return [
      {
        name: 'date',
        expression: `${get('getFullYear')} * 10000 + (${get('getMonth')} + 1) * 100 + ${get('getDate')}`,
      },
      ...(closed.length === 0 ? [] : [{ name: 'closedDays', expression: integers(closed.map(number)) }]),
      ...(early.length === 0
        ? []
        : [
            { name: 'earlyCloses', expression: integers(early.map(number)) },
            {
              name: 'end',
              expression: `${own('date')} in ${own('earlyCloses')} ? ${Math.max(from, to - earlyCloseMinutes)} : ${to}`,
            },
          ]),
    ];
  };
  return {
    closed: closed.length === 0 ? undefined : own('closedDays'),
    end: early.length === 0 ? String(to) : own('end'),
    variables,
  };
}

function range({ from, to }: { readonly from: number; readonly to: number }): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
