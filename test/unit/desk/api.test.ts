import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type {
  DeskConfiguration,
  DeskState,
  GateAnswer,
  HistoryAnswer,
  PromotionAnswer,
} from '../../../runtime/desk/api/types.ts';
import { fakeToken } from '../../support/desk/fake-kargo.ts';
import {
  admin,
  alice,
  facts,
  populate,
  project,
  risk,
  startWorld,
  tags,
  type World,
} from '../../support/desk/world.ts';

let world: World;

beforeEach(async () => {
  // A Friday in the evening: everything is open.
  world = await startWorld({ at: '2026-11-27T18:30:00-05:00' });
  populate(world, world.now());
});
afterEach(async () => {
  await world.close();
});

const blockedAt = '2026-11-27T13:47:00-05:00';
const freight = { paper: 'f-beta'.padEnd(40, '3'), live: 'f-paper'.padEnd(40, '2') };

async function ask(
  path: string,
  options: { token?: string; method?: string; body?: unknown; headers?: Record<string, string>; raw?: string } = {},
) {
  const response = await fetch(`${world.url}${path}`, {
    method: options.method ?? (options.body === undefined && options.raw === undefined ? 'GET' : 'POST'),
    headers: {
      ...(options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` }),
      ...(options.body === undefined && options.raw === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    body: options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body)),
    redirect: 'manual',
  });
  const text = await response.text();
  return { response, status: response.status, text, json: () => JSON.parse(text) };
}

const promotion = { stage: 'live', freight: freight.live, tag: tags.paper, note: 'Weekly release' };
const emergency = { ...promotion, breakGlass: 'Orders are rejected by the broker' };

/** Requests that would have made or ended a promotion. */
const writes = () => world.kargo.seen.filter(({ method }) => method !== 'GET');

describe('rights', () => {
  test.each([
    '/desk/api/settings',
    '/desk/api/state',
    '/desk/api/stages/live/queue',
    '/desk/api/history',
    '/desk/api/history/history.csv',
    '/desk/api/history/history.json',
    '/desk/api/verify',
    '/desk/api/gate',
  ])('%s says nothing without a token, nor with one that Kargo does not know', async (path) => {
    for (const token of [undefined, fakeToken({ sub: 'admin' })]) {
      const { status, text } = await ask(path, { token });
      expect(status).toBe(401);
      expect(text).not.toContain(tags.live);
      expect(text).not.toContain('risk@example.org');
    }
  });

  test('the desk cannot promote without the token of its user, and sends no other', async () => {
    expect((await ask('/desk/api/promotions', { body: promotion })).status).toBe(401);
    expect((await ask('/desk/api/promotions', { body: promotion, token: fakeToken({ sub: 'admin' }) })).status).toBe(
      401,
    );
    expect(writes()).toEqual([]);
    expect((await ask('/desk/api/promotions', { body: promotion, token: alice })).status).toBe(201);
    expect(writes().map(({ headers }) => headers.authorization)).toEqual([`Bearer ${alice}`]);
  });

  test('a token that may only read cannot promote, and Kargo says so', async () => {
    world.kargo.users.set(alice, { actor: 'email:alice@example.org', forbidden: ['promote'] });
    const { status, json } = await ask('/desk/api/promotions', { body: promotion, token: alice });
    expect(status).toBe(403);
    expect(json().error).toContain('is not permitted to promote');
  });

  test('a token that may not see the project sees nothing of its history either', async () => {
    world.recorder.add(...facts(5, world.now()));
    world.kargo.users.set(alice, { actor: 'email:alice@example.org', forbidden: ['read'] });
    for (const path of ['/desk/api/history', '/desk/api/verify', '/desk/api/settings']) {
      expect((await ask(path, { token: alice })).status).toBe(403);
    }
  });

  test.each([
    ['a cookie', { Cookie: `auth_token=${alice}` }],
    ['another scheme', { Authorization: `Basic ${alice}` }],
    ['a token with a line break in it', { Authorization: 'Bearer a%0d%0ab' }],
    ['a token of 9 KB', { Authorization: `Bearer ${'a'.repeat(9000)}` }],
  ])('%s is no token', async (_, headers) => {
    expect((await ask('/desk/api/promotions', { body: promotion, headers })).status).toBe(401);
    expect(world.kargo.seen).toEqual([]);
  });
});

describe('requests from other sites', () => {
  test.each([
    ['by fetch metadata', { 'Sec-Fetch-Site': 'cross-site' }],
    ['from a neighbour host', { 'Sec-Fetch-Site': 'same-site' }],
    ['by origin', { Origin: 'https://evil.example.org' }],
    ['from a sandboxed frame', { Origin: 'null' }],
  ])('are refused %s, even with a token', async (_, headers) => {
    // fetch of this runtime sets some of these headers itself.
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(`${world.url}/desk/api/promotions`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${alice}`, 'Content-Type': 'application/json', ...headers },
      });
      request.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on('error', reject);
      request.end(JSON.stringify(promotion));
    });
    expect(status).toBe(403);
    expect(writes()).toEqual([]);
  });

  test('a form cannot promote: only JSON is read', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const { status } = await ask('/desk/api/promotions', {
        raw: JSON.stringify(promotion),
        token: alice,
        headers: { 'Content-Type': type },
      });
      expect(status).toBe(415);
    }
    expect(writes()).toEqual([]);
  });

  test('no answer allows another origin', async () => {
    const { response } = await ask('/desk/api/state', { token: alice });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect((await ask('/desk/api/state', { method: 'OPTIONS' })).status).toBe(401);
  });
});

describe('promotions', () => {
  test('the note travels on the promotion, trimmed and in one line', async () => {
    const { json } = await ask('/desk/api/promotions', {
      body: { ...promotion, note: '  Weekly\nrelease ' },
      token: alice,
    });
    const answer = json() as PromotionAnswer;
    expect(world.kargo.promotions.get(answer.promotion)?.metadata?.annotations).toEqual({
      'kargo.akuity.io/create-actor': 'email:alice@example.org',
      'pipelines.celestium.life/note': 'Weekly release',
    });
    expect(answer.object).toMatchObject({ metadata: { name: answer.promotion } });
    expect(world.recorder.attempts).toEqual([]);
  });

  test('a refusal reaches the user in words, and the audit', async () => {
    world.setTime(blockedAt);
    const { status, json } = await ask('/desk/api/promotions', { body: promotion, token: alice });
    expect(status).toBe(403);
    expect(json().error).toMatch(/^blocked: live takes no promotion during market hours .* opens in 2h13m/);
    expect(world.recorder.attempts).toEqual([
      expect.objectContaining({
        type: 'promotion-denied',
        actor: 'email:alice@example.org',
        stage: 'live',
        freight: freight.live,
        tag: tags.paper,
        note: 'Weekly release',
        reason: json().error,
        project,
      }),
    ]);
  });

  test('break-glass is announced to the audit before Kargo hears of it', async () => {
    world.setTime(blockedAt);
    let announced = -1;
    const { report } = world.recorder;
    world.recorder.report = async (attempt) => {
      announced = writes().length;
      return report.call(world.recorder, attempt);
    };
    const { status, json } = await ask('/desk/api/promotions', { body: emergency, token: risk });
    expect(status).toBe(201);
    expect(announced).toBe(0);
    expect(world.recorder.attempts).toEqual([
      expect.objectContaining({
        type: 'break-glass-announced',
        actor: 'email:risk@example.org',
        justification: emergency.breakGlass,
      }),
    ]);
    expect(world.kargo.promotions.get((json() as PromotionAnswer).promotion)?.metadata?.annotations).toMatchObject({
      'pipelines.celestium.life/break-glass': emergency.breakGlass,
    });
  });

  test('a refused break-glass is announced and refused under one attempt', async () => {
    world.setTime(blockedAt);
    expect((await ask('/desk/api/promotions', { body: emergency, token: alice })).status).toBe(403);
    const [announced, denied] = world.recorder.attempts;
    expect([announced?.type, denied?.type]).toEqual(['break-glass-announced', 'promotion-denied']);
    expect(denied?.attempt).toBe(announced?.attempt);
  });

  test('an emergency does not wait for the recorder: it passes with a warning', async () => {
    world.setTime(blockedAt);
    world.recorder.down = true;
    const { status, json } = await ask('/desk/api/promotions', { body: emergency, token: risk });
    expect(status).toBe(201);
    expect((json() as PromotionAnswer).warnings.join()).toContain('audit recorder does not answer');
  });

  test('only chosen promotions of this stage that have not ended are aborted, after the new one exists', async () => {
    world.setTime(blockedAt);
    const waiting = world.kargo.addPromotion({
      stage: 'live',
      freight: freight.live,
      actor: 'email:bob@example.org',
      phase: 'Pending',
    });
    const running = world.kargo.addPromotion({ stage: 'live', freight: freight.live, phase: 'Running' });
    const ended = world.kargo.addPromotion({ stage: 'live', freight: freight.live, phase: 'Succeeded' });
    const elsewhere = world.kargo.addPromotion({ stage: 'paper', freight: freight.paper, phase: 'Pending' });
    const names = [waiting, ended, elsewhere].map((one) => one.metadata?.name ?? '');
    const { json } = await ask('/desk/api/promotions', { body: { ...emergency, abort: names }, token: risk });
    expect((json() as PromotionAnswer).aborted).toEqual([waiting.metadata?.name]);
    expect(world.kargo.promotions.get(running.metadata?.name ?? '')?.status?.phase).toBe('Running');
    expect(writes().map(({ url }) => url.split('/').at(-1))).toEqual(['resources', 'abort']);
  });

  test('nothing is aborted for a break-glass that was refused, nor for an ordinary promotion', async () => {
    const waiting =
      world.kargo.addPromotion({ stage: 'live', freight: freight.live, phase: 'Pending' }).metadata?.name ?? '';
    world.setTime(blockedAt);
    await ask('/desk/api/promotions', { body: { ...emergency, abort: [waiting] }, token: alice });
    world.setTime('2026-11-27T18:30:00-05:00');
    await ask('/desk/api/promotions', { body: { ...promotion, abort: [waiting] }, token: alice });
    expect(world.kargo.promotions.get(waiting)?.status?.phase).toBe('Pending');
  });

  test('who may not abort is told what goes first', async () => {
    world.setTime(blockedAt);
    world.kargo.users.set(risk, { actor: 'email:risk@example.org', forbidden: ['abort'] });
    const waiting =
      world.kargo.addPromotion({ stage: 'live', freight: freight.live, phase: 'Pending' }).metadata?.name ?? '';
    const { json } = await ask('/desk/api/promotions', { body: { ...emergency, abort: [waiting] }, token: risk });
    expect((json() as PromotionAnswer).warnings).toEqual([
      expect.stringContaining(`${waiting} was not aborted and goes first`),
    ]);
  });

  test('the shared account breaks no glass', async () => {
    world.setTime(blockedAt);
    const { status, json } = await ask('/desk/api/promotions', { body: emergency, token: admin });
    expect(status).toBe(403);
    expect(json().error).toContain('admin');
  });

  test.each([
    ['no JSON', 'stage=live'],
    ['nothing', ''],
    ['a list', '[]'],
    ['a foreign field', JSON.stringify({ ...promotion, annotations: { 'kargo.akuity.io/create-actor': 'admin' } })],
    ['another namespace in the name', JSON.stringify({ ...promotion, freight: '../other/freight' })],
    ['a note of 501 characters', JSON.stringify({ ...promotion, note: 'a'.repeat(501) })],
    ['a prototype', '{"__proto__":{"stage":"live"},"stage":"live"}'],
    [
      'a list of 101 to abort',
      JSON.stringify({ ...emergency, abort: Array.from({ length: 101 }, (_, index) => `p${index}`) }),
    ],
  ])('refused: %s', async (_, raw) => {
    expect((await ask('/desk/api/promotions', { raw, token: alice })).status).toBe(400);
    expect(writes()).toEqual([]);
  });

  test('a stage that the desk does not know is not promoted to', async () => {
    expect(
      (await ask('/desk/api/promotions', { body: { ...promotion, stage: 'elsewhere' }, token: alice })).status,
    ).toBe(404);
    expect(writes()).toEqual([]);
  });

  test('a body of 65 KiB is too large, with and without a length', async () => {
    const raw = JSON.stringify({ ...promotion, note: 'a'.repeat(65 * 1024) });
    expect((await ask('/desk/api/promotions', { raw, token: alice })).status).toBe(413);
    expect(writes()).toEqual([]);
  });

  test('Kargo away: 502, in words', async () => {
    world.kargo.down = true;
    const { status, json } = await ask('/desk/api/promotions', { body: promotion, token: alice });
    expect(status).toBe(502);
    expect(json().error).toContain('Kargo does not answer');
    expect(world.recorder.attempts).toEqual([]);
  });
});

test('tokens and texts of users are never logged, nor put anywhere but into Kargo', async () => {
  world.setTime(blockedAt);
  await ask('/desk/api/promotions', { body: emergency, token: risk });
  await ask('/desk/api/promotions', { body: emergency, token: alice });
  await ask('/desk/api/history?text=searched-for', { token: alice });
  await ask(`/desk/api/state?token=${alice}`, { token: alice });
  await ask(`/project/x?token=${alice}`);
  world.kargo.down = true;
  await ask('/desk/api/promotions', { body: { ...emergency, note: 'other' }, token: alice });
  world.recorder.down = true;
  await ask('/desk/api/verify', { token: alice });
  const kept = world.log.join('') + JSON.stringify(world.recorder.attempts);
  expect(world.log.length).toBeGreaterThan(6);
  for (const token of [alice, risk]) {
    for (const part of token.split('.')) expect(kept).not.toContain(part);
  }
  expect(world.log.join('')).not.toContain('searched-for');
  expect(world.log.join('')).not.toContain(emergency.breakGlass);
});

describe('answers', () => {
  test('every answer of the desk carries the strict headers', async () => {
    for (const path of [
      '/desk/',
      '/desk/history',
      '/desk/audit',
      '/desk/healthz',
      '/desk/api/state',
      '/desk/none',
      '/desk/assets/x.js',
    ]) {
      const { response } = await ask(path);
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).toBe('same-origin');
    }
  });

  test('markup in names, notes and messages stays data: nothing but the page itself is HTML', async () => {
    const evil = '<script>alert(1)</script><img src=x onerror=alert(2)>';
    const [name, one] = [...world.kargo.freight][0]!;
    world.kargo.freight.set(name, {
      ...one,
      alias: evil,
      images: [{ repoURL: 'registry.example.org/stonks-oracle/query-api', tag: evil }],
    });
    const { response, json } = await ask('/desk/api/state', { token: alice });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect((json() as DeskState).freight.map((build) => build.alias)).toContain(evil);
    for (const path of [`/desk/${encodeURIComponent(evil).replaceAll('%2F', '')}`, '/desk/api/history?stage=<b>']) {
      const error = await ask(path, { token: alice });
      expect(error.response.headers.get('content-type')).not.toContain('html');
    }
  });

  test('the state is sent again only when it changed', async () => {
    const first = await ask('/desk/api/state', { token: alice });
    const tag = first.response.headers.get('etag') ?? '';
    expect(tag).not.toBe('');
    expect((await ask('/desk/api/state', { token: alice, headers: { 'If-None-Match': tag } })).status).toBe(304);
    world.setTime('2026-11-27T18:31:00-05:00');
    const live = world.kargo.stages.get('live')!;
    world.kargo.stages.set('live', {
      ...live,
      status: { ...live.status, health: { status: 'Degraded', issues: ['a pod'] } },
    });
    expect((await ask('/desk/api/state', { token: alice, headers: { 'If-None-Match': tag } })).status).toBe(200);
  });

  test('a token that Kargo has revoked is of no use 15 seconds later', async () => {
    expect((await ask('/desk/api/history', { token: alice })).status).toBe(200);
    world.kargo.users.delete(alice);
    world.setTime('2026-11-27T18:30:20-05:00');
    expect((await ask('/desk/api/history', { token: alice })).status).toBe(401);
  });

  test('one user never gets what was read for another', async () => {
    await ask('/desk/api/state', { token: alice });
    world.kargo.users.set(risk, { actor: 'email:risk@example.org', forbidden: ['read'] });
    expect((await ask('/desk/api/state', { token: risk })).status).toBe(403);
  });

  test('settings tell who Kargo will say it was, and the clock', async () => {
    const settings = (await ask('/desk/api/settings', { token: risk })).json() as DeskConfiguration;
    expect(settings).toMatchObject({ project, actor: 'email:risk@example.org', recorder: true });
    expect(settings.stages.map((stage) => stage.name)).toEqual(['ci', 'beta', 'paper', 'live']);
    expect(settings.now).toMatch(/^2026-11-27T23:30/);
  });
});

describe('history', () => {
  test('comes from the audit log, page by page, filtered', async () => {
    world.recorder.add(...facts(300, world.now()));
    const all = (await ask('/desk/api/history', { token: alice })).json() as HistoryAnswer;
    expect(all).toMatchObject({ source: 'audit', total: 300, offset: 0 });
    expect(all.entries).toHaveLength(100);
    const glass = (
      await ask('/desk/api/history?stage=live&breakGlass=true&limit=500', { token: alice })
    ).json() as HistoryAnswer;
    expect(glass.total).toBeGreaterThan(0);
    for (const entry of glass.entries) expect(entry).toMatchObject({ stage: 'live', breakGlass: expect.any(String) });
    const id = all.entries[7]!.id;
    const one = (await ask(`/desk/api/history?id=${encodeURIComponent(id)}`, { token: alice })).json() as HistoryAnswer;
    expect(one.entries).toEqual([all.entries[7]]);
  });

  test('without the recorder Kargo tells what it still has, and that it is not everything', async () => {
    world.recorder.down = true;
    const made = world.kargo.addPromotion({
      stage: 'live',
      freight: freight.live,
      actor: 'email:alice@example.org',
      phase: 'Failed',
      message: 'not healthy',
      annotations: {
        'pipelines.celestium.life/note': 'Weekly release',
        'pipelines.celestium.life/break-glass': 'Broker rejects orders',
      },
    });
    const answer = (await ask('/desk/api/history?stage=live', { token: alice })).json() as HistoryAnswer;
    expect(answer).toMatchObject({
      source: 'kargo',
      warning: expect.stringContaining('recorder does not answer'),
      total: 1,
    });
    expect(answer.entries[0]).toMatchObject({
      id: made.metadata?.name,
      actor: 'email:alice@example.org',
      sourceStages: ['paper'],
      tag: tags.paper,
      note: 'Weekly release',
      breakGlass: 'Broker rejects orders',
      result: 'Failed',
      message: 'not healthy',
      records: [],
    });
  });

  test('exports everything that matches, as JSON and as CSV that no spreadsheet runs', async () => {
    world.recorder.add(...facts(12_000, world.now()));
    const base = {
      project,
      promotion: 'live.evil',
      stage: 'live',
      freight: 'f',
      tag: 't',
      actor: '@SUM(1+1)',
    } as const;
    world.recorder.add({
      ...base,
      type: 'promotion-created',
      key: 'evil',
      at: world.now().toISOString(),
      uid: 'u',
      sourceStages: ['paper'],
      images: [],
      automatic: false,
      note: '=HYPERLINK("https://evil.example.org";"click")',
    });
    const json = (await ask('/desk/api/history/history.json', { token: alice })).json() as unknown[];
    expect(json).toHaveLength(12_001);
    const { text, response } = await ask('/desk/api/history/history.csv?text=evil', { token: alice });
    expect(response.headers.get('content-type')).toContain('text/csv');
    expect(response.headers.get('content-disposition')).toContain('attachment');
    const line = text.split('\r\n')[1]!;
    expect(line).toContain(`"'=HYPERLINK(""https://evil.example.org"";""click"")"`);
    expect(line).toContain(`'@SUM(1+1)`);
    expect(line).not.toMatch(/(^|,)"?[=+@]/);
  });

  test('a question that is none is refused', async () => {
    for (const query of [
      'limit=501',
      'limit=-1',
      'offset=x',
      'result=Won',
      'from=yesterday',
      'breakGlass=2',
      'unknown=1',
      `text=${'a'.repeat(301)}`,
    ]) {
      expect((await ask(`/desk/api/history?${query}`, { token: alice })).status, query).toBe(400);
    }
  });

  test('verification is the recorder’s word; away, the desk says so', async () => {
    world.recorder.verification = {
      ...world.recorder.verification,
      valid: false,
      records: 7,
      problems: ['altered'],
      problemCount: 1,
    };
    expect((await ask('/desk/api/verify', { token: alice })).json()).toMatchObject({
      valid: false,
      records: 7,
      problems: ['altered'],
    });
    world.recorder.down = true;
    expect((await ask('/desk/api/verify', { token: alice })).status).toBe(502);
  });
});

test('a policy of the gate that was removed is told, and forgotten when it is back', async () => {
  const kind = 'ValidatingAdmissionPolicy';
  const gate = async () => (await ask('/desk/api/gate', { token: alice })).json() as GateAnswer;
  const change = (seq: number, name: string, what: 'added' | 'changed' | 'removed', of = kind) =>
    world.recorder.changes.push({ seq, kind: of, name, change: what, at: world.now().toISOString() });
  change(3, 'gate-create', 'added');
  change(4, 'gate-start', 'added');
  change(5, 'live', 'removed', 'Stage');
  expect(await gate()).toMatchObject({ objects: 2, removed: [] });
  change(9, 'gate-create', 'removed');
  world.setTime('2026-11-27T18:30:30-05:00');
  expect(await gate()).toMatchObject({
    objects: 1,
    removed: [{ kind, name: 'gate-create' }],
    lastChange: { name: 'gate-create', change: 'removed' },
  });
  change(12, 'gate-create', 'added');
  world.setTime('2026-11-27T18:31:00-05:00');
  expect((await gate()).removed).toEqual([]);
  world.recorder.down = true;
  world.setTime('2026-11-27T18:32:00-05:00');
  expect((await ask('/desk/api/gate', { token: alice })).status).toBe(502);
});

test('no request went to Kargo that Kargo does not have', async () => {
  await ask('/desk/api/state', { token: alice });
  await ask('/desk/api/stages/live/queue', { token: alice });
  await ask('/desk/api/promotions', { body: promotion, token: alice });
  expect(world.kargo.seen.length).toBeGreaterThan(3);
  expect(world.kargo.unknown).toEqual([]);
});
