import type { HistoryEntry, HistoryQuery } from '../../../model/audit/history.ts';
import { historyCsv } from '../../../model/audit/history-csv.ts';
import { type HistoryAnswer, historyResults } from '../../desk/api/types.ts';
import { kargoHistory, unrecorded } from '../../desk/server/history-source.ts';
import { CliError, type ExitCode, exitCode } from '../io.ts';
import type { Session } from '../session.ts';
import { stageOf, zoneOf } from '../settings.ts';
import { shortTag, table, timeText } from '../text.ts';
import { instant } from './explain.ts';

export interface HistoryOptions {
  readonly stage?: string;
  readonly result?: string;
  readonly breakGlass?: boolean;
  readonly text?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: string;
  readonly csv?: boolean;
}

const largestPage = 500;

/** Promotions and refused attempts, newest first, with every audit field. */
export async function history(session: Session, options: HistoryOptions): Promise<ExitCode> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) throw new CliError('--limit takes a number from 1 on', exitCode.usage);
  const query = queryOf(session, options);
  const answer =
    session.settings.deskUrl === undefined
      ? await fromKargo(session, query, limit)
      : await fromDesk(session, query, limit);
  if (answer.warning) session.remark(answer.warning);
  if (options.csv) {
    session.io.out(historyCsv(answer.entries));
    return exitCode.done;
  }
  session.print(answer, () => historyText(answer, zoneOf(session.settings)));
  return exitCode.done;
}

function queryOf(session: Session, options: HistoryOptions): HistoryQuery {
  const { settings } = session;
  if (options.stage !== undefined) stageOf(settings, options.stage);
  const result = historyResults.find((one) => one.toLowerCase() === options.result?.toLowerCase());
  if (options.result !== undefined && result === undefined)
    throw new CliError(`--result takes one of ${historyResults.join(', ')}`, exitCode.usage);
  const time = (text: string | undefined) =>
    text === undefined ? undefined : (instant(text, zoneOf(settings)).toUTC().toISO() ?? undefined);
  return {
    stage: options.stage,
    result,
    breakGlass: options.breakGlass ? true : undefined,
    text: options.text,
    from: time(options.from),
    to: time(options.to),
  };
}

async function fromDesk(session: Session, query: HistoryQuery, limit: number): Promise<HistoryAnswer> {
  const entries: HistoryEntry[] = [];
  for (;;) {
    const parameters = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined) parameters.set(key, String(value));
    parameters.set('offset', String(entries.length));
    parameters.set('limit', String(Math.min(limit - entries.length, largestPage)));
    const page = await session.desk<HistoryAnswer>(`/api/history?${parameters}`);
    entries.push(...page.entries);
    if (entries.length >= limit || entries.length >= page.total || page.entries.length === 0)
      return { ...page, offset: 0, entries };
  }
}

async function fromKargo(session: Session, query: HistoryQuery, limit: number): Promise<HistoryAnswer> {
  const { kargo, settings } = session;
  const names = query.stage === undefined ? settings.stages.map((stage) => stage.name) : [query.stage];
  const [stages, freight, ...promotions] = await Promise.all([
    kargo.stages(settings.project),
    kargo.freight(settings.project),
    ...names.map((name) => kargo.promotions(settings.project, name)),
  ]);
  const page = kargoHistory(promotions.flat(), stages, freight).query({ ...query, limit });
  return {
    source: 'kargo',
    warning: 'This is what Kargo still has, not the audit log.',
    total: page.total,
    offset: 0,
    entries: page.entries.map(unrecorded),
  };
}

function historyText(answer: HistoryAnswer, zone: string): string {
  const rows = answer.entries.map((entry) => [
    timeText(entry.createdAt, zone),
    entry.stage,
    entry.sourceStages.join(',') || '-',
    shortTag(entry.tag),
    entry.actor,
    entry.result,
    [
      entry.breakGlass === undefined ? '' : `BREAK-GLASS: ${entry.breakGlass}`,
      entry.note ?? '',
      entry.abortedBy ? `aborted by ${entry.abortedBy}` : '',
      entry.result === 'Succeeded' ? '' : (entry.message ?? ''),
    ]
      .filter((text) => text !== '')
      .join(' | '),
  ]);
  const more =
    answer.total > answer.entries.length ? `${answer.entries.length} of ${answer.total}; --limit shows more\n` : '';
  return table(['CREATED', 'STAGE', 'FROM', 'TAG', 'OPERATOR', 'RESULT', 'NOTES'], rows) + more;
}
