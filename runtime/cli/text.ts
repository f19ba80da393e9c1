import { DateTime } from 'luxon';

/** A table with a header and aligned columns. Control characters of foreign text are shown, not sent to the terminal. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map(plain));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? '')].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell + ' '.repeat(widths[column]! - [...cell].length)))
      .join('  ')
      .trimEnd();
  return `${cells.map(line).join('\n')}\n`;
}

/** Foreign text on one line: what could move the cursor or turn the reading direction becomes visible. */
export function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}

/** A time for people, in a zone: `Mon 2026-11-23 10:00 EST`. Empty for no time. */
export function timeText(time: string | DateTime | undefined, zone: string): string {
  if (time === undefined) return '';
  const at = (typeof time === 'string' ? DateTime.fromISO(time) : time).setZone(zone).setLocale('en-US');
  return at.isValid ? at.toFormat('ccc yyyy-MM-dd HH:mm ZZZZ') : '';
}

/** The first characters of a tag: enough to recognise a commit. */
export function shortTag(tag: string): string {
  return /^[0-9a-f]{40}$/.test(tag) ? tag.slice(0, 12) : tag;
}
