import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headOf } from '../../../model/audit/chain.ts';
import { auditVersion } from '../../../model/audit/record.ts';
import { auditFileName, verifyFiles } from '../../../model/audit/verify.ts';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { AnchorBranch } from '../../../runtime/recorder/anchors.ts';
import { AuditLog } from '../../../runtime/recorder/audit-log.ts';
import { recorderApp } from '../../../runtime/recorder/http.ts';
import { Recorder } from '../../../runtime/recorder/recorder.ts';
import { RecorderService } from '../../../runtime/recorder/service.ts';
import { SnapshotSchedule } from '../../../runtime/recorder/snapshots.ts';
import { sampleFact } from '../audit/sample.ts';
import { FakeCluster, project } from './fake-cluster.ts';
import { promotion, stage } from './objects.ts';

let folder: string;
let log: AuditLog;
let app: Hono;
let service: RecorderService;
let recorder: Recorder;
let cluster: FakeCluster;
let client: KubernetesClient;
let stop: AbortController;
let run: Promise<void>;
let held: boolean;
let forgeError: Error | undefined;
let snapshots: SnapshotSchedule;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'recorder-http-'));
  cluster = await FakeCluster.start();
  client = KubernetesClient.fromEnvironment({ env: { KUBECONFIG: cluster.kubeconfig } });
  log = new AuditLog({ folder });
  await log.append(Array.from({ length: 30 }, (_, index) => sampleFact(index)));
  held = true;
  forgeError = undefined;
  const messages = { info() {}, warn() {} };
  recorder = new Recorder({
    client,
    log,
    mayWrite() {
      if (!held) throw new Error('somebody else holds the lease');
    },
    project,
    annotations: { note: 'n', breakGlass: 'b' },
    annotationPrefix: 'x/',
    messages,
    retry: 20,
  });
  const files = new Map<string, string>();
  const branch = new AnchorBranch({
    list: async () => {
      if (forgeError) throw forgeError;
      return [...files.keys()];
    },
    read: async (file) => {
      const text = files.get(file);
      return text === undefined ? undefined : { text, sha: 'x' };
    },
    async write(file, text) {
      if (forgeError) throw forgeError;
      files.set(file, text);
    },
  });
  snapshots = new SnapshotSchedule({ take: async () => undefined, everyMinutes: 10 });
  service = new RecorderService({
    log,
    recorder,
    lease: {
      get held() {
        return held;
      },
      reason: 'somebody else holds the lease',
    } as never,
    messages,
    anchors: { branch, everyMinutes: 15 },
    snapshots,
    verifyEveryMinutes: 60,
  });
  app = recorderApp({ log, recorder, service, project, reportTimeout: 500 });
  stop = new AbortController();
  run = recorder.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  held = true;
  await run;
  await log.close();
  client.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: answers have every shape
async function get(target: string): Promise<{ status: number; text: string; json: any }> {
  const response = await app.request(target);
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : undefined,
  };
}
const post = (body: unknown, type = 'application/json') =>
  app.request('/attempts', {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const attempt = {
  type: 'promotion-denied',
  attempt: 'click-0001',
  project,
  stage: 'paper',
  freight: 'f1',
  tag: 'a'.repeat(40),
  actor: 'email:alice@example.org',
  reason: 'blocked: market hours',
};

describe('history', () => {
  it('comes newest first, in pages, filtered, as JSON and as CSV', async () => {
    const first = await get('/history?limit=4');
    expect(first.json).toMatchObject({
      total: 10,
      next: 'paper.promotion-6',
      head: headOf((await get('/records?from=30')).json.records[0]),
    });
    const second = await get(`/history?limit=4&after=${first.json.next}`);
    expect(second.json.entries.map((entry: { id: string }) => entry.id)).toEqual(
      [5, 4, 3, 2].map((n) => `paper.promotion-${n}`),
    );
    expect((await get('/history?stage=live')).json.total).toBe(0);
    expect((await get('/history?offset=9')).json.entries).toHaveLength(1);
    const csv = await get('/history?format=csv&limit=2');
    expect(csv.text.split('\r\n')).toHaveLength(4);
    expect((await get('/history/paper.promotion-3')).json).toMatchObject({ result: 'Succeeded' });
    expect((await get('/history/nothing')).status).toBe(404);
  });

  it.each([
    '/history?limit=99999',
    '/history?from=yesterday',
    '/history?result=Great',
    '/history?unknown=1',
    '/records?from=-1',
    '/records?type=x',
  ])('refuses %s in words', async (target) => {
    const { status, json } = await get(target);
    expect(status).toBe(400);
    expect(json.error.length).toBeGreaterThan(10);
  });
});

describe('records', () => {
  it('come in order, from a number or behind one, filtered, and say where to go on', async () => {
    const page = (await get('/records?after=10&limit=5')).json;
    expect(page.records.map((record: { seq: number }) => record.seq)).toEqual([11, 12, 13, 14, 15]);
    expect(page.next).toBe(16);
    expect((await get('/records?from=26')).json.records).toHaveLength(5);
    expect((await get('/records?after=30')).json).toEqual({ records: [], head: log.head });
    expect((await get('/records?type=promotion-started&stage=paper')).json.records).toHaveLength(10);
    expect((await get('/records?promotion=paper.promotion-2')).json.records).toHaveLength(3);
  });

  it('are exported as the very bytes on the disk, which verify anywhere', async () => {
    const { text } = await get('/export');
    expect(text).toBe(readFileSync(path.join(folder, auditFileName(1)), 'utf8'));
    expect(verifyFiles([{ name: auditFileName(1), content: text }])).toMatchObject({ valid: true, records: 30 });
  });
});

describe('verification', () => {
  it('compares with the anchors, finds a change and raises the metric', async () => {
    await service.anchorNow();
    expect((await get('/verify')).json).toMatchObject({
      valid: true,
      records: 30,
      anchors: { checked: 1, newest: { seq: 30 } },
      problems: [],
    });
    expect((await get('/metrics')).text).toContain('pipelines_recorder_chain_valid 1\n');
    const file = path.join(folder, auditFileName(1));
    writeFileSync(file, readFileSync(file, 'utf8').replace('alice', 'mallo'));
    expect((await get('/verify')).json).toMatchObject({ valid: false, problems: [{ kind: 'altered', line: 1 }] });
    expect((await get('/metrics')).text).toContain('pipelines_recorder_chain_valid 0\n');
    expect((await get('/healthz')).json.problems).toContain('the audit chain is broken (1 problems)');
  });

  it('says when the anchors could not be read, and checks without them', async () => {
    forgeError = new Error('the forge does not answer (ECONNREFUSED)');
    expect((await get('/verify')).json).toMatchObject({
      valid: true,
      anchors: { checked: 0 },
      anchorsError: 'the forge does not answer (ECONNREFUSED)',
    });
  });

  it('shares one check between those who ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => get('/verify')));
    expect(new Set(answers.map((answer) => answer.json.checkedAt)).size).toBe(1);
  });
});

describe('reports', () => {
  it('are recorded once, with what was tried and why it was refused', async () => {
    const answers = await Promise.all([post(attempt), post(attempt)]);
    const numbers = await Promise.all(answers.map(async (answer) => (await answer.json()).seq));
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    expect(numbers[0]).toBe(numbers[1]);
    const announced = await post({
      ...attempt,
      type: 'break-glass-announced',
      justification: 'prices are wrong',
      reason: undefined,
    });
    expect(announced.status).toBe(201);
    const { records } = (await get('/records?after=30')).json;
    expect(records).toMatchObject([
      { type: 'promotion-denied', reason: 'blocked: market hours', reportedBy: 'desk', version: auditVersion },
      { type: 'break-glass-announced', justification: 'prices are wrong' },
    ]);
    expect((await get('/history?result=Denied')).json.entries).toMatchObject([
      { id: 'attempt:click-0001', message: 'blocked: market hours' },
    ]);
  });

  it.each([
    ['a text that is no JSON', '{', 400],
    ['an unknown type', { ...attempt, type: 'promotion-finished' }, 400],
    ['an unknown field', { ...attempt, seq: 1 }, 400],
    ['an identity that could be a path', { ...attempt, attempt: '../../etc' }, 400],
    ['no actor', { ...attempt, actor: '' }, 400],
    ['more than 32 KiB', { ...attempt, note: 'x'.repeat(40_000) }, 413],
  ])('refuse %s', async (_what, body, status) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect((await response.json()).error.length).toBeGreaterThan(5);
    expect(log.head.seq).toBe(30);
  });

  it('refuse a form: another site could send one', async () => {
    expect((await post('a=b', 'application/x-www-form-urlencoded')).status).toBe(415);
  });

  it('say 503 while nothing can be written, and are written later all the same', async () => {
    held = false;
    const response = await post(attempt);
    expect(response.status).toBe(503);
    expect((await response.json()).error).toBe('somebody else holds the lease');
    expect((await get('/healthz')).status).toBe(503);
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/metrics')).text).toContain('pipelines_recorder_writable 0\n');
    held = true;
    while (log.head.seq < 31) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await get('/records?after=30')).json.records).toHaveLength(1);
  });
});

describe('health and metrics', () => {
  it('are well when everything is followed and written', async () => {
    for (let attempts = 0; attempts < 500; attempts += 1) {
      if ((await get('/healthz')).status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect((await get('/healthz')).json).toMatchObject({ healthy: true, problems: [] });
    expect((await get('/livez')).text).toBe('ok\n');
    expect((await get('/nowhere')).status).toBe(404);
  });

  it('count records and break-glass by stage', async () => {
    cluster.put('stages', stage('paper', ['beta']));
    cluster.put('promotions', promotion('p9', 'Pending', { annotations: { b: 'prices are wrong, fix now' } }));
    while (log.breakGlass.size === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const { text } = await get('/metrics');
    expect(text).toContain('pipelines_recorder_break_glass_total{stage="paper"} 1\n');
    expect(text).toContain('pipelines_recorder_records_total{type="promotion-created"} 11\n');
  });
});

describe('anchors and snapshots', () => {
  it('are made when they are due, by the one who holds the lease', async () => {
    const end = new AbortController();
    const running = new RecorderService({
      ...(service as unknown as { options: ConstructorParameters<typeof RecorderService>[0] }).options,
      tick: 10,
    });
    held = false;
    const done = running.run(end.signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(snapshots.lastSuccess).toBeUndefined();
    held = true;
    while (snapshots.lastSuccess === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    end.abort();
    await done;
    expect((await running.verify()).report.anchors).toMatchObject({ checked: 1, newest: { seq: 30 } });
  });

  it('report a failure and try again', async () => {
    forgeError = new Error('the forge refused');
    await service.anchorNow();
    expect((await get('/healthz')).json.problems).toContain('the forge refused');
    expect((await get('/metrics')).text).toContain('pipelines_recorder_anchor_failures_total 1\n');
    forgeError = undefined;
    await service.anchorNow();
    expect((await get('/metrics')).text).toContain('pipelines_recorder_anchored_head 30\n');
  });
});
