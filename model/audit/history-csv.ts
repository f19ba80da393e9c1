import type { HistoryEntry } from './history.ts';

const columns: readonly (readonly [string, (entry: HistoryEntry) => string])[] = [
  ['promotion', (entry) => entry.id],
  ['created', (entry) => entry.createdAt],
  ['started', (entry) => entry.startedAt ?? ''],
  ['finished', (entry) => entry.finishedAt ?? ''],
  ['source stages', (entry) => entry.sourceStages.join(' ')],
  ['target stage', (entry) => entry.stage],
  ['tag', (entry) => entry.tag],
  ['freight', (entry) => entry.freight],
  ['operator', (entry) => entry.actor],
  ['note', (entry) => entry.note ?? ''],
  ['break-glass', (entry) => (entry.breakGlass === undefined ? 'no' : 'yes')],
  ['justification', (entry) => entry.breakGlass ?? ''],
  ['result', (entry) => entry.result],
  ['aborted by', (entry) => entry.abortedBy ?? ''],
  ['message', (entry) => entry.message ?? ''],
  ['records', (entry) => entry.records.join(' ')],
];

/** History as CSV (RFC 4180), with a header line. Text that a spreadsheet would run as a formula gets a leading apostrophe. */
export function historyCsv(entries: readonly HistoryEntry[]): string {
  const lines = [columns.map(([name]) => name), ...entries.map((entry) => columns.map(([, value]) => value(entry)))];
  return lines.map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
