import { createHash, randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { HistoryEntry, HistoryPage, HistoryQuery } from '../../../model/audit/history.ts';
import { historyCsv } from '../../../model/audit/history-csv.ts';
import type { DeskSettings } from '../../../model/desk/settings.ts';
import { gateAnnotation } from '../../../model/gate/annotations.ts';
import { type DeskConfiguration, type HistoryAnswer, historyResults, type PromotionAnswer } from '../api/types.ts';
import { KargoError } from '../kargo/client.ts';
import { type Access, statusOf } from './access.ts';
import { GateWatch } from './gate-watch.ts';
import { everyEntry, kargoHistory, unrecorded } from './history-source.ts';
import type { Log } from './log.ts';
import { type Promoter, Refused } from './promoter.ts';
import type { Recorder } from './recorder.ts';
import { deskState, queueOf } from './state.ts';
import { bearerToken, tokenOwner } from './token.ts';

export interface ApiOptions {
  readonly settings: DeskSettings;
  readonly access: Access;
  readonly promoter: Promoter;
  readonly recorder?: Recorder;
  readonly log: Log;
  readonly now: () => Date;
}

type Variables = { token: string };
type ApiContext = Context<{ Variables: Variables }>;

const name = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
const promotionRequest = z.strictObject({
  stage: name,
  freight: name,
  tag: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9_.-]*$/),
  note: z.string().max(500).optional(),
  breakGlass: z.string().max(500).optional(),
  abort: z.array(name).max(100).optional(),
});

const optionalTime = z.iso.datetime({ offset: true }).optional();
const historyQuery = z.strictObject({
  stage: name.optional(),
  result: z.enum(historyResults).optional(),
  id: z.string().min(1).max(300).optional(),
  breakGlass: z.enum(['true', 'false']).optional(),
  text: z.string().max(300).optional(),
  from: optionalTime,
  to: optionalTime,
  offset: z.coerce.number().int().min(0).max(10_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

const largestBody = 64 * 1024;

/** The routes below /desk/api. Every one needs the user's Kargo token; there are no cookies, so nothing rides on them. */
export function deskApi(options: ApiOptions): Hono<{ Variables: Variables }> {
  const { settings, access } = options;
  const api = new Hono<{ Variables: Variables }>();

  api.use('*', async (context, next) => {
    context.header('Cache-Control', 'no-store');
    const token = bearerToken(context.req.header('Authorization'));
    if (token === undefined) return context.json({ error: 'log in to Kargo first: the request has no token' }, 401);
    context.set('token', token);
    return next();
  });
  api.use('*', sameOrigin);
  api.use(
    '*',
    bodyLimit({ maxSize: largestBody, onError: (context) => context.json({ error: 'the request is too large' }, 413) }),
  );

  api.get('/settings', async (context) => {
    const { token } = context.var;
    await access.check(token);
    const owner = tokenOwner(token, settings.usernameClaim);
    return context.json({
      project: settings.project,
      stages: settings.stages,
      commitUrl: settings.commitUrl,
      now: options.now().toISOString(),
      actor: owner.actor,
      tokenExpires: owner.expires?.toISOString(),
      recorder: options.recorder !== undefined,
    } satisfies DeskConfiguration);
  });

  api.get('/state', async (context) => {
    const { stages, freight } = await access.snapshot(context.var.token);
    const state = deskState(stages, freight, { image: settings.image, stages: settings.stages, now: options.now() });
    const body = JSON.stringify(state);
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    context.header('ETag', tag);
    context.header('Desk-Now', options.now().toISOString());
    if (context.req.header('If-None-Match') === tag) return context.body(null, 304);
    return context.body(body, 200, { 'Content-Type': 'application/json' });
  });

  api.get('/stages/:stage/queue', async (context) => {
    const stage = context.req.param('stage');
    if (!settings.stages.some((one) => one.name === stage))
      return context.json({ error: 'there is no such stage' }, 404);
    const { freight } = await access.snapshot(context.var.token);
    const promotions = await access.client(context.var.token).promotions(settings.project, stage);
    return context.json({ queue: queueOf(promotions, freight, settings.image, gateAnnotation.breakGlass) });
  });

  api.post('/promotions', async (context) => {
    const body = promotionRequest.safeParse(await jsonOf(context));
    if (!body.success)
      return context.json({ error: `the request is not a promotion: ${firstProblem(body.error)}` }, 400);
    if (!settings.stages.some((one) => one.name === body.data.stage))
      return context.json({ error: 'there is no such stage' }, 404);
    const answer: PromotionAnswer = await options.promoter.promote(context.var.token, body.data, randomUUID());
    return context.json(answer, 201);
  });

  api.get('/history', async (context) => {
    const query = historyQuery.safeParse(context.req.query());
    if (!query.success)
      return context.json({ error: `the question is not understood: ${firstProblem(query.error)}` }, 400);
    const { offset } = query.data;
    const { source, warning, result } = await askHistory(options, context.var.token, query.data, (ask) =>
      ask(queryOf(query.data)),
    );
    return context.json({
      source,
      warning,
      total: result.total,
      offset,
      entries: result.entries,
    } satisfies HistoryAnswer);
  });

  api.get('/history/:format{history\\.(csv|json)}', async (context) => {
    const query = historyQuery.safeParse(context.req.query());
    if (!query.success)
      return context.json({ error: `the question is not understood: ${firstProblem(query.error)}` }, 400);
    const { offset: _offset, limit: _limit, ...filter } = queryOf(query.data);
    const { result } = await askHistory(options, context.var.token, query.data, (ask) => everyEntry(ask, filter));
    const format = context.req.param('format');
    context.header('Content-Disposition', `attachment; filename="${settings.project}-${format}"`);
    if (format.endsWith('.csv'))
      return context.body(historyCsv(result), 200, { 'Content-Type': 'text/csv; charset=utf-8' });
    return context.json(result);
  });

  api.get('/verify', async (context) => {
    await access.check(context.var.token);
    const { recorder } = options;
    if (!recorder) return context.json({ error: 'this system has no audit recorder' }, 404);
    try {
      return context.json(await recorder.verify());
    } catch (error) {
      options.log.warn('the audit recorder does not answer', { reason: plainReason(error) });
      return context.json({ error: 'the audit recorder does not answer' }, 502);
    }
  });

  const gateWatch = options.recorder && new GateWatch(options.recorder, options.now);
  api.get('/gate', async (context) => {
    await access.check(context.var.token);
    if (!gateWatch) return context.json({ error: 'this system has no audit recorder' }, 404);
    try {
      return context.json(await gateWatch.answer());
    } catch (error) {
      options.log.warn('the audit recorder does not answer', { reason: plainReason(error) });
      return context.json({ error: 'the audit recorder does not answer' }, 502);
    }
  });

  api.notFound((context) => context.json({ error: 'there is nothing here' }, 404));
  api.onError((error, context) => {
    if (error instanceof Refused) return context.json({ error: error.message }, error.status);
    if (error instanceof KargoError) return context.json({ error: error.message }, statusOf(error));
    options.log.warn('a request failed', { path: context.req.path, reason: plainReason(error) });
    return context.json({ error: 'the desk failed; its log says more' }, 500);
  });
  return api;
}

/** A browser says where a request comes from. What comes from another site is refused, even if it had a token. */
async function sameOrigin(context: ApiContext, next: () => Promise<void>): Promise<Response | undefined> {
  const site = context.req.header('Sec-Fetch-Site');
  const origin = context.req.header('Origin');
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  const other = origin !== undefined && hostOf(origin) !== context.req.header('Host');
  if (foreign || other) return context.json({ error: 'the request comes from another site' }, 403);
  if (context.req.method !== 'GET' && !/^application\/json\b/i.test(context.req.header('Content-Type') ?? '')) {
    return context.json({ error: 'send JSON' }, 415);
  }
  await next();
  return undefined;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

type Ask = (query: HistoryQuery) => Promise<HistoryPage>;

/** Puts a question to the recorder, or, while it is away, to what Kargo still has. */
async function askHistory<Result>(
  options: ApiOptions,
  token: string,
  filter: z.output<typeof historyQuery>,
  question: (ask: Ask) => Promise<Result>,
): Promise<{ source: HistoryAnswer['source']; warning?: string; result: Result }> {
  const { recorder, access, log } = options;
  let warning: string | undefined;
  if (recorder) {
    await access.check(token);
    const { id } = filter;
    const ask: Ask =
      id === undefined ? (query) => recorder.history(query) : async () => onePage(await recorder.entry(id));
    try {
      return { source: 'audit', result: await question(ask) };
    } catch (error) {
      log.warn('the audit recorder does not answer', { reason: plainReason(error) });
      warning =
        'The audit recorder does not answer. This is only what Kargo still has: older promotions and refused attempts are missing.';
    }
  }
  const history = await historyOfKargo(options, token, filter.stage);
  const ask: Ask = async (query) => {
    const page = filter.id === undefined ? history.query(query) : onePage(history.get(filter.id));
    return { ...page, entries: page.entries.map(unrecorded) };
  };
  return { source: 'kargo', warning, result: await question(ask) };
}

function onePage(entry: HistoryEntry | undefined): HistoryPage {
  return { entries: entry ? [entry] : [], total: entry ? 1 : 0 };
}

async function historyOfKargo({ settings, access }: ApiOptions, token: string, stage: string | undefined) {
  const { stages, freight } = await access.snapshot(token);
  const names = settings.stages.map((one) => one.name).filter((one) => stage === undefined || one === stage);
  const lists = await Promise.all(names.map((one) => access.client(token).promotions(settings.project, one)));
  return kargoHistory(lists.flat(), stages, freight);
}

function queryOf(query: z.output<typeof historyQuery>): HistoryQuery {
  const { id: _id, breakGlass, from, to, ...rest } = query;
  return {
    ...rest,
    breakGlass: breakGlass === undefined ? undefined : breakGlass === 'true',
    from: from === undefined ? undefined : new Date(from).toISOString(),
    to: to === undefined ? undefined : new Date(to).toISOString(),
  };
}

async function jsonOf(context: ApiContext): Promise<unknown> {
  try {
    return await context.req.json();
  } catch {
    return undefined;
  }
}

function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.map(String).join('.') || 'body'}: ${issue.message}` : 'unknown';
}

/** An error in words that cannot hold a token: class and code, never what was sent. */
function plainReason(error: unknown): string {
  if (error instanceof KargoError) return error.message;
  if (!(error instanceof Error)) return 'unknown';
  const code = (error as { code?: unknown }).code ?? (error.cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
}
