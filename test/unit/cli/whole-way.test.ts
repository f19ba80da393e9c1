import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ServerType, serve } from '@hono/node-server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { auditFileName } from '../../../model/audit/verify.ts';
import { gateClientSettings } from '../../../model/gate-client/settings.ts';
import { deskServer } from '../../../runtime/desk/server/desk-server.ts';
import { httpRecorder } from '../../../runtime/desk/server/recorder.ts';
import { AuditLog } from '../../../runtime/recorder/audit-log.ts';
import { recorderApp } from '../../../runtime/recorder/http.ts';
import { RecorderService } from '../../../runtime/recorder/service.ts';
import { sampleFact } from '../audit/sample.ts';
import { FakeKargo, gate, tokenOf } from './fake-kargo.ts';

// Command line -> desk -> recorder, each with the real code of the other.

const silent = { info() {}, warn() {} };
let kargo: FakeKargo;
let folder: string;
let log: AuditLog;
let recorder: ServerType;
let desk: ReturnType<typeof deskServer>;
let settings: string;

beforeEach(async () => {
  kargo = await FakeKargo.start();
  folder = mkdtempSync(path.join(tmpdir(), 'whole-way-'));
  log = new AuditLog({ folder });
  await log.append(Array.from({ length: 60 }, (_, index) => sampleFact(index)));
  const service = new RecorderService({
    log,
    recorder: { state: {} } as never,
    lease: {} as never,
    messages: silent,
    verifyEveryMinutes: 60,
  });
  const app = recorderApp({ log, recorder: {} as never, service, project: 'stonks-pipeline' });
  const address = await new Promise<AddressInfo>((resolve) => {
    recorder = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, resolve);
  });
  const recorderUrl = `http://127.0.0.1:${address.port}`;
  const { stages, project } = gateClientSettings.parse(JSON.parse(readFileSync(kargo.settings(), 'utf8')));
  desk = deskServer({
    settings: { project, stages, kargoUrl: kargo.url, recorderUrl, usernameClaim: 'email' },
    log: silent,
    files: { page: '', dashboard: '', style: '' },
    recorder: httpRecorder(recorderUrl),
  });
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  settings = kargo.settings({ deskUrl: `http://127.0.0.1:${(desk.address() as AddressInfo).port}/desk` });
});
afterEach(async () => {
  desk.closeAllConnections();
  desk.close();
  recorder.close();
  await log.close();
  await kargo.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('history comes from the audit log through the desk, filtered and in pages', async () => {
  const { code, json, err } = await gate(kargo, ['history', '--json', '--limit', '7'], { settings });
  expect(code, err).toBe(0);
  expect(json).toMatchObject({ source: 'audit', total: 20 });
  expect(json.entries.map((entry: { id: string }) => entry.id)).toEqual(
    [19, 18, 17, 16, 15, 14, 13].map((n) => `paper.promotion-${n}`),
  );
  expect(json.entries[0]).toMatchObject({
    result: 'Succeeded',
    actor: 'email:alice@example.org',
    records: [58, 59, 60],
  });
  expect((await gate(kargo, ['history', '--json', '--stage', 'live'], { settings })).json.entries).toEqual([]);
  expect(
    (await gate(kargo, ['history', '--json', '--text', 'promotion-1', '--from', '2026-11-01'], { settings })).json
      .total,
  ).toBe(11);
});

it('verification reads the whole log through the desk, and ends with exit code 1 when a byte was changed', async () => {
  const whole = await gate(kargo, ['verify'], { settings });
  expect(whole.out, whole.err).toMatch(/^The audit log is whole: 60 records in 1 files, no anchor compared\n/);
  expect(whole.code).toBe(0);
  const file = path.join(folder, auditFileName(1));
  writeFileSync(file, readFileSync(file, 'utf8').replace('alice', 'mallo'));
  const changed = await gate(kargo, ['verify'], { settings });
  expect(changed.code).toBe(1);
  expect(changed.out).toContain('audit-000000000001.jsonl:1 (record 1) altered: its bytes do not have its hash');
});

it('nobody reads it without a log-in that Kargo accepts', async () => {
  for (const command of ['history', 'verify']) {
    const token = tokenOf({ email: 'mallory@example.org' });
    const { code, out, err } = await gate(kargo, [command], { settings, env: { KARGO_API_TOKEN: token } });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('Kargo does not accept the log-in');
  }
});
