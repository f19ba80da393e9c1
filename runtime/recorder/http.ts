import { Readable } from 'node:stream';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { HistoryQuery } from '../../model/audit/history.ts';
import { historyCsv } from '../../model/audit/history-csv.ts';
import type { AuditFact, AuditRecord } from '../../model/audit/record.ts';
import { auditTypes } from '../../model/audit/record.ts';
import type { AuditLog } from './audit-log.ts';
import { metricsText } from './metrics.ts';
import type { Recorder } from './recorder.ts';
import type { RecorderService } from './service.ts';

const short = z.string().max(300);
const results = ['Pending', 'Running', 'Succeeded', 'Failed', 'Errored', 'Aborted', 'Removed', 'Denied'] as const;
const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());
const count = z.coerce.number().int().min(0);

const historyParameters = z.strictObject({
  stage: short.optional(),
  result: z.enum(results).optional(),
  breakGlass: z.enum(['true', 'false']).optional(),
  text: short.optional(),
  from: instant.optional(),
  to: instant.optional(),
  after: short.optional(),
  offset: count.optional(),
  limit: count.max(10_000).optional(),
  format: z.enum(['json', 'csv']).default('json'),
});

const recordParameters = z.strictObject({
  /** Number of the first record wanted. */
  from: count.default(1),
  /** Number of the last record that is not wanted: the same, for whoever reads on. */
  after: count.optional(),
  limit: count.max(10_000).default(1000),
  type: z.enum(auditTypes).optional(),
  stage: short.optional(),
  promotion: short.optional(),
});

/** Body of `POST /attempts`. */
export const attemptBody = z.strictObject({
  /** Chosen by the reporter; sent again it is recorded once. */
  attempt: z.string().regex(/^[A-Za-z0-9._-]{8,100}$/, 'not 8 to 100 letters, digits, ".", "_" or "-"'),
  type: z.enum(['promotion-denied', 'break-glass-announced']),
  /** When it happened. @default - now */
  at: instant.optional(),
  project: short.optional(),
  stage: short.min(1),
  freight: short.default(''),
  tag: short.default(''),
  actor: short.min(1),
  note: z.string().max(4096).optional(),
  justification: z.string().max(4096).optional(),
  /** The refusal in words; for `promotion-denied`. */
  reason: z.string().max(4096).default(''),
  reportedBy: short.default('desk'),
});

export interface RecorderHttpOptions {
  readonly log: AuditLog;
  readonly recorder: Recorder;
  readonly service: RecorderService;
  readonly project: string;
  /** Milliseconds that a report may wait for the disk. @default 5000 */
  readonly reportTimeout?: number;
}

/**
 * The recorder's own HTTP API. It is meant for the desk's pods and Prometheus only: a NetworkPolicy lets nobody else in,
 * and people's rights are checked by the desk before it asks.
 */
export function recorderApp(options: RecorderHttpOptions): Hono {
  const { log, recorder, service } = options;
  const app = new Hono();
  app.onError((error, c) => c.json({ error: error.message }, 500));
  app.notFound((c) => c.json({ error: 'no such address' }, 404));

  app.get('/livez', (c) => c.text('ok\n'));
  // Ready: it can answer. Healthy: it does all of its work.
  app.get('/readyz', (c) => c.json({ ready: service.ready }, service.ready ? 200 : 503));
  app.get('/healthz', (c) => {
    const problems = service.problems();
    return c.json({ healthy: problems.length === 0, problems, head: log.head }, problems.length === 0 ? 200 : 503);
  });
  app.get('/metrics', (c) =>
    c.text(metricsText(service.metrics()), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );

  app.get('/history', (c) => {
    const query = historyParameters.safeParse(c.req.query());
    if (!query.success) return c.json({ error: wordsOf(query.error) }, 400);
    const { format, breakGlass, ...rest } = query.data;
    const page = log.history.query({
      ...rest,
      breakGlass: breakGlass === undefined ? undefined : breakGlass === 'true',
    } satisfies HistoryQuery);
    if (format === 'csv') return c.body(historyCsv(page.entries), 200, { 'content-type': 'text/csv; charset=utf-8' });
    return c.json({ ...page, head: log.head });
  });

  app.get('/history/:id', (c) => {
    const entry = log.history.get(c.req.param('id'));
    return entry ? c.json(entry) : c.json({ error: 'the log knows no such promotion' }, 404);
  });

  app.get('/records', async (c) => {
    const query = recordParameters.safeParse(c.req.query());
    if (!query.success) return c.json({ error: wordsOf(query.error) }, 400);
    const { after, limit, type, stage, promotion } = query.data;
    const from = after === undefined ? query.data.from : after + 1;
    const records: AuditRecord[] = [];
    let next: number | undefined;
    for await (const record of log.records(from)) {
      if (type !== undefined && record.type !== type) continue;
      if (stage !== undefined && (!('stage' in record) || record.stage !== stage)) continue;
      if (promotion !== undefined && (!('promotion' in record) || record.promotion !== promotion)) continue;
      if (records.length === limit) {
        next = record.seq;
        break;
      }
      records.push(record);
    }
    return c.json({ records, next, head: log.head });
  });

  app.get('/export', (c) => {
    const body = Readable.toWeb(Readable.from(log.raw())) as ReadableStream<Uint8Array>;
    return c.body(body, 200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
  });

  app.get('/verify', async (c) => {
    const { report, checkedAt, milliseconds, anchorsError } = await service.verify();
    return c.json({ ...report, checkedAt, milliseconds: Math.round(milliseconds), anchorsError });
  });

  app.post(
    '/attempts',
    bodyLimit({ maxSize: 32 * 1024, onError: (c) => c.json({ error: 'larger than 32 KiB' }, 413) }),
    async (c) => {
      if (!c.req.header('content-type')?.startsWith('application/json'))
        return c.json({ error: 'send application/json' }, 415);
      const body = attemptBody.safeParse(await c.req.json().catch(() => undefined));
      if (!body.success) return c.json({ error: wordsOf(body.error) }, 400);
      try {
        const seq = await recorder.report(attemptFact(body.data, options.project), options.reportTimeout ?? 5000);
        return c.json({ seq }, 201);
      } catch (error) {
        return c.json({ error: (error as Error).message }, 503);
      }
    },
  );
  return app;
}

function attemptFact(body: z.output<typeof attemptBody>, project: string): AuditFact {
  const { type, reason, attempt, ...rest } = body;
  const key = `attempt/${attempt}/${type}`;
  const common = { ...rest, key, attempt, at: rest.at ?? new Date().toISOString(), project: rest.project ?? project };
  return type === 'promotion-denied' ? { ...common, type, reason } : { ...common, type };
}

function wordsOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
}
