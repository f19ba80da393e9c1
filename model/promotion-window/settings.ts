import { IANAZone } from 'luxon';
import { z } from 'zod';
import { calendars, minuteOfDay, weekdays } from './window.ts';

/** Whether a text is a date of the calendar, `YYYY-MM-DD`. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const timeOfDay = z.string().refine((text) => minuteOfDay(text) !== undefined, {
  error: (issue) => `${JSON.stringify(issue.input)} is no time of day; write it like 09:30`,
});

/** Schema of a window for settings. Refuses windows that are empty, inverted or in an unknown zone. */
export const promotionWindow = z
  .strictObject({
    timeZone: z.string().refine((name) => IANAZone.isValidZone(name), {
      error: (issue) => `${JSON.stringify(issue.input)} is no time zone; use an IANA name like America/New_York`,
    }),
    days: z
      .array(z.enum(weekdays))
      .min(1, 'the window has no day, so that it never blocks; name its days, or remove the window')
      .refine((days) => new Set(days).size === days.length, 'a day is listed twice; list every day once')
      .readonly(),
    from: timeOfDay,
    to: timeOfDay,
    calendar: z.enum(calendars).optional(),
    closedDays: z
      .array(
        z.string().refine(isDate, {
          error: (issue) => `${JSON.stringify(issue.input)} is no date; write it like 2026-12-24`,
        }),
      )
      .readonly()
      .optional(),
  })
  .refine(
    (window) => {
      const from = minuteOfDay(window.from);
      const to = minuteOfDay(window.to);
      return from === undefined || to === undefined || from < to;
    },
    {
      path: ['to'],
      error: 'the window ends before it begins, or is empty; let `to` be later than `from` on the same day',
    },
  );
