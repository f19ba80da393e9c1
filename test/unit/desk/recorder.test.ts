import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emptyHead } from '../../../model/audit/chain.ts';
import type { AuditFact } from '../../../model/audit/record.ts';
import { httpRecorder, type Recorder } from '../../../runtime/desk/server/recorder.ts';
import { AuditLog } from '../../../runtime/recorder/audit-log.ts';
import { recorderApp } from '../../../runtime/recorder/http.ts';
import type { Recorder as Recording } from '../../../runtime/recorder/recorder.ts';
import type { RecorderService } from '../../../runtime/recorder/service.ts';
import { facts, project } from '../../support/desk/world.ts';

let folder: string;
let log: AuditLog;
let server: Server;
let recorder: Recorder;
let reported: AuditFact[];

// The recorder's own HTTP API, without the cluster that it follows.
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'desk-recorder-'));
  log = new AuditLog({ folder });
  reported = [];
  const recording = {
    report: async (fact: AuditFact) => {
      reported.push(fact);
      return 1;
    },
  } as unknown as Recording;
  const service = {
    verify: async () => ({
      report: {
        valid: false,
        records: 3,
        files: 1,
        head: emptyHead,
        anchors: { checked: 0 },
        problems: [
          {
            kind: 'altered',
            file: 'audit-000000000001.jsonl',
            line: 2,
            seq: 2,
            problem: 'its bytes do not have its hash',
          },
        ],
        problemCount: 1,
      },
      checkedAt: new Date('2026-11-27T23:30:00Z'),
      milliseconds: 12,
      anchorsError: 'the forge does not answer',
    }),
  } as unknown as RecorderService;
  const app = recorderApp({ log, recorder: recording, service, project });
  server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  recorder = httpRecorder(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test('history, filtered and page by page, as the recorder gives it', async () => {
  await log.append([...facts(120, new Date('2026-11-27T18:00:00Z'))]);
  const first = await recorder.history({ stage: 'live', limit: 10 });
  expect(first.entries).toHaveLength(10);
  expect(first.total).toBeGreaterThan(30);
  const second = await recorder.history({ stage: 'live', limit: 10, after: first.next });
  expect(second.entries[0]!.createdAt < first.entries[9]!.createdAt).toBe(true);
  const broken = await recorder.history({
    breakGlass: true,
    text: 'rejected',
    from: '2026-01-01T00:00:00.000Z',
    to: '2027-01-01T00:00:00.000Z',
  });
  expect(broken.total).toBeGreaterThan(0);
  for (const entry of broken.entries) expect(entry.breakGlass).toContain('rejected');
  expect(await recorder.entry(first.entries[3]!.id)).toEqual(first.entries[3]);
  expect(await recorder.entry('live.none')).toBeUndefined();
});

test('changes of definitions, behind a number', async () => {
  const change = (name: string, what: 'added' | 'removed'): AuditFact => ({
    type: 'definition-changed',
    key: `${name}/${what}`,
    at: '2026-11-27T18:00:00Z',
    project: '',
    kind: 'ValidatingAdmissionPolicy',
    name,
    change: what,
    digest: what === 'added' ? 'a'.repeat(64) : '',
  });
  await log.append([
    change('gate-create', 'added'),
    ...facts(3, new Date('2026-11-27T18:00:00Z')),
    change('gate-create', 'removed'),
  ]);
  const all = await recorder.definitions(0);
  expect(all.map(({ name, change: what }) => [name, what])).toEqual([
    ['gate-create', 'added'],
    ['gate-create', 'removed'],
  ]);
  expect(await recorder.definitions(all[0]!.seq)).toHaveLength(1);
  expect(await recorder.definitions(all[1]!.seq)).toEqual([]);
});

test('the verdict, with problems in words', async () => {
  expect(await recorder.verify()).toMatchObject({
    valid: false,
    problems: ['audit-000000000001.jsonl:2 (record 2) altered: its bytes do not have its hash'],
    checkedAt: '2026-11-27T23:30:00.000Z',
    anchorsError: 'the forge does not answer',
  });
});

test('what the desk reports is what the recorder takes', async () => {
  const common = {
    attempt: '0d9f6a4e-5d0c-4d0f-9d0a-2f5b8f0f6a11',
    project,
    stage: 'live',
    freight: 'f1',
    tag: 't',
    actor: 'email:alice@example.org',
  } as const;
  await recorder.report({
    ...common,
    type: 'break-glass-announced',
    justification: 'Orders are rejected',
    note: undefined,
  });
  await recorder.report({
    ...common,
    type: 'promotion-denied',
    reason: 'blocked: live takes no promotion',
    note: 'Weekly release',
  });
  expect(reported).toEqual([
    expect.objectContaining({
      type: 'break-glass-announced',
      justification: 'Orders are rejected',
      reportedBy: 'desk',
      project,
    }),
    expect.objectContaining({
      type: 'promotion-denied',
      reason: 'blocked: live takes no promotion',
      note: 'Weekly release',
    }),
  ]);
});

test('a recorder that is away, or in trouble, is an error and never an empty history', async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(recorder.history({})).rejects.toThrow();
  await expect(recorder.verify()).rejects.toThrow();
  server = createServer((_, response) => response.writeHead(503).end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const troubled = httpRecorder(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await expect(troubled.history({})).rejects.toThrow('status 503');
  await expect(
    troubled.report({
      type: 'promotion-denied',
      attempt: 'a',
      project,
      stage: 's',
      freight: 'f',
      tag: 't',
      actor: 'x',
    }),
  ).rejects.toThrow('status 503');
});
