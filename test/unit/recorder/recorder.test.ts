import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord, AuditType } from '../../../model/audit/record.ts';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { AuditLog } from '../../../runtime/recorder/audit-log.ts';
import { Recorder } from '../../../runtime/recorder/recorder.ts';
import { FakeCluster, project } from './fake-cluster.ts';
import { freight, promotion, stage, tag } from './objects.ts';

const annotations = { note: 'pipelines.celestium.life/note', breakGlass: 'pipelines.celestium.life/break-glass' };

let cluster: FakeCluster;
let folder: string;
beforeEach(async () => {
  cluster = await FakeCluster.start();
  folder = mkdtempSync(path.join(tmpdir(), 'recorder-'));
  cluster.put('stages', stage('beta', []));
  cluster.put('stages', stage('paper', ['beta']));
  cluster.put('freights', freight('f1'));
});
afterEach(async () => {
  expect(cluster.unknown).toEqual([]);
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly recorder: Recorder;
  readonly log: AuditLog;
  readonly messages: string[];
  /** Waits until the log holds what is asked for. */
  until(what: string, condition: (records: readonly AuditRecord[]) => boolean): Promise<readonly AuditRecord[]>;
  stop(): Promise<void>;
}

async function record(mayWrite: () => void = () => undefined): Promise<Running> {
  const log = new AuditLog({ folder });
  const messages: string[] = [];
  const client = KubernetesClient.fromEnvironment({ env: { KUBECONFIG: cluster.kubeconfig } });
  const recorder = new Recorder({
    client,
    log,
    mayWrite,
    project,
    annotations,
    annotationPrefix: 'pipelines.celestium.life/',
    gateSelector: 'app.kubernetes.io/component=gate',
    messages: {
      info: (message) => messages.push(message),
      warn: (message, facts) => messages.push(`${message} ${JSON.stringify(facts)}`),
    },
    retry: 20,
  });
  const stop = new AbortController();
  const run = recorder.run(stop.signal);
  return {
    recorder,
    log,
    messages,
    async until(what, condition) {
      for (let attempt = 0; attempt < 1000; attempt += 1) {
        const records: AuditRecord[] = [];
        for await (const item of log.records()) records.push(item);
        if (condition(records)) return records;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`the log never held ${what}; messages: ${messages.join('\n')}`);
    },
    async stop() {
      stop.abort();
      await run;
      expect(await log.verify()).toMatchObject({ valid: true });
      await log.close();
      client.close();
    },
  };
}

const ofType = (records: readonly AuditRecord[], ...types: AuditType[]) =>
  records.filter((item) => types.includes(item.type));
const about = (records: readonly AuditRecord[], name: string) =>
  records.filter((item) => 'promotion' in item && item.promotion === name);
const has =
  (type: AuditType, count = 1) =>
  (records: readonly AuditRecord[]) =>
    ofType(records, type).length >= count;

describe('the recorder', () => {
  it('records the life of a promotion as it happens, with its source stage and tag', async () => {
    const running = await record();
    cluster.put('promotions', promotion('p1', 'Pending', { annotations: { [annotations.note]: 'release 12' } }));
    await running.until('the creation', has('promotion-created'));
    cluster.put('promotions', promotion('p1', 'Running'));
    await running.until('the start', has('promotion-started'));
    cluster.put('promotions', promotion('p1', 'Succeeded'));
    const records = about(await running.until('the end', has('promotion-finished')), 'p1');
    expect(records.map((item) => item.type)).toEqual(['promotion-created', 'promotion-started', 'promotion-finished']);
    expect(records[0]).toMatchObject({
      actor: 'email:alice@example.org',
      note: 'release 12',
      sourceStages: ['beta'],
      stage: 'paper',
      tag,
    });
    await running.stop();
  });

  it('catches up after downtime of any length: everything Kargo still has, once, in order', async () => {
    const first = await record();
    cluster.put('promotions', promotion('a', 'Running', { minute: 0 }));
    await first.until('the start', has('promotion-started'));
    await first.stop();

    cluster.put('promotions', promotion('a', 'Succeeded', { minute: 0 }));
    for (let index = 0; index < 40; index += 1) {
      const bg = index === 7 ? { [annotations.breakGlass]: 'prices are wrong, fix now' } : {};
      // Names in another order than times.
      cluster.put(
        'promotions',
        promotion(`z${90 - index}`, index % 5 === 0 ? 'Failed' : 'Succeeded', {
          minute: 5 + index * 3,
          annotations: bg,
        }),
      );
    }
    cluster.compact();

    const second = await record();
    const records = await second.until('all ends', has('promotion-finished', 41));
    expect(new Set(records.map((item) => item.key)).size).toBe(records.length);
    expect(about(records, 'a').map((item) => item.type)).toEqual([
      'promotion-created',
      'promotion-started',
      'promotion-finished',
    ]);
    const times = records.filter((item) => 'promotion' in item).map((item) => item.at);
    expect(times).toEqual([...times].sort());
    expect(about(records, 'z83').map((item) => item.type)).toEqual([
      'promotion-created',
      'break-glass',
      'promotion-started',
      'promotion-finished',
    ]);
    await second.stop();

    const third = await record();
    await third.until('nothing new', () => Object.values(third.recorder.state.following).every(Boolean));
    expect(third.log.head.seq).toBe(records.length);
    await third.stop();
  });

  it('loses and repeats nothing when the API server restarts and forgets its changes', async () => {
    const running = await record();
    for (let index = 0; index < 30; index += 1) {
      cluster.put('promotions', promotion(`p${index}`, 'Succeeded', { minute: index }));
      if (index % 10 === 4) cluster.cut();
      if (index % 10 === 8) cluster.compact();
    }
    const records = await running.until('all ends', has('promotion-finished', 30));
    expect(ofType(records, 'promotion-created', 'promotion-started', 'promotion-finished')).toHaveLength(90);
    await running.stop();
  });

  it('names the tag of a Freight that it sees later than its promotion', async () => {
    const running = await record();
    const other = 'c'.repeat(40);
    cluster.put('freights', freight('f2', {}, [{ repoURL: 'r', tag: other }]));
    cluster.put('promotions', promotion('p1', 'Pending', { freight: 'f2' }));
    const [created] = ofType(await running.until('the creation', has('promotion-created')), 'promotion-created');
    expect(created).toMatchObject({ tag: other });
    cluster.delete('freights', 'f2');
    cluster.put('promotions', promotion('p1', 'Succeeded', { freight: 'f2' }));
    const [finished] = ofType(await running.until('the end', has('promotion-finished')), 'promotion-finished');
    expect(finished).toMatchObject({ tag: other });
    await running.stop();
  });

  it('records who aborted', async () => {
    const running = await record();
    const abort = { 'kargo.akuity.io/abort': '{"action":"terminate","actor":"email:bob@example.org"}' };
    cluster.put('promotions', promotion('p1', 'Aborted', { annotations: abort }));
    const [aborted] = ofType(await running.until('the abort', has('promotion-aborted')), 'promotion-aborted');
    expect(aborted).toMatchObject({ actor: 'email:alice@example.org', abortedBy: 'email:bob@example.org' });
    await running.stop();
  });

  it('records that an open promotion is gone, seen or missed, and the end that its last state holds', async () => {
    const first = await record();
    for (const name of ['seen', 'missed', 'ended']) cluster.put('promotions', promotion(name, 'Running'));
    await first.until('the starts', has('promotion-started', 3));
    cluster.delete('promotions', 'seen');
    await first.until('the removal', has('promotion-removed'));
    await first.stop();
    cluster.delete('promotions', 'missed');
    cluster.put('promotions', promotion('ended', 'Succeeded'));
    const second = await record();
    const records = await second.until('the second removal', has('promotion-removed', 2));
    await second.until('the end', has('promotion-finished'));
    cluster.delete('promotions', 'ended');
    expect(ofType(records, 'promotion-removed').map((item) => (item as { promotion: string }).promotion)).toEqual([
      'seen',
      'missed',
    ]);
    await second.stop();
  });

  it('records approvals with the approver from the event, and verifications', async () => {
    const running = await record();
    const now = new Date().toISOString();
    cluster.put(
      'freights',
      freight('f1', { verifiedIn: { beta: { verifiedAt: now } }, approvedFor: { paper: { approvedAt: now } } }),
    );
    cluster.put('events', {
      metadata: {
        name: 'e1',
        namespace: project,
        annotations: {
          'event.kargo.akuity.io/actor': 'email:carol@example.org',
          'event.kargo.akuity.io/stage-name': 'paper',
        },
      },
      reason: 'FreightApproved',
      involvedObject: { name: 'f1' },
    });
    const records = await running.until('the approval', has('freight-approved'));
    expect(ofType(records, 'freight-approved')).toMatchObject([
      { stage: 'paper', actor: 'email:carol@example.org', tag },
    ]);
    expect(ofType(records, 'freight-verified')).toMatchObject([{ stage: 'beta', tag }]);
    await running.stop();
  });

  it('says "unknown" for an approver whose event has expired', async () => {
    cluster.put('freights', freight('f1', { approvedFor: { paper: { approvedAt: '2026-01-02T03:04:05Z' } } }));
    const running = await record();
    const records = await running.until('the approval', has('freight-approved'));
    expect(ofType(records, 'freight-approved')).toMatchObject([{ actor: 'unknown', at: '2026-01-02T03:04:05.000Z' }]);
    await running.stop();
  });

  it('records changes of stages and of the gate, also those it slept through, and no others', async () => {
    const policy = (name: string, rule: string) => ({ metadata: { name }, spec: { rule } });
    cluster.put('validatingadmissionpolicies', policy('gate-create', 'a'));
    cluster.put('validatingadmissionpolicies', policy('gate-start', 'a'));
    const first = await record();
    await first.until('the first definitions', has('definition-changed', 4));
    cluster.put('stages', stage('paper', ['beta'], { 'kargo.akuity.io/description': 'Switched off.' }));
    await first.until('the switch', has('definition-changed', 5));
    // Written by Kargo all the time: not a change of the definition.
    cluster.put('stages', {
      ...stage('paper', ['beta'], { 'kargo.akuity.io/description': 'Switched off.' }),
      status: { n: 1 },
    });
    await first.stop();
    cluster.put('validatingadmissionpolicies', policy('gate-create', 'b'));
    cluster.delete('validatingadmissionpolicies', 'gate-start');
    const second = await record();
    await second.until('what was slept through', has('definition-changed', 7));
    cluster.put('validatingadmissionpolicies', policy('gate-create', 'a'));
    const records = ofType(await second.until('the change back', has('definition-changed', 8)), 'definition-changed');
    expect(records.slice(4).map((item) => (item as { name: string; change: string }).name)).toEqual([
      'paper',
      'gate-start',
      'gate-create',
      'gate-create',
    ]);
    expect(records.slice(4)).toMatchObject([
      { change: 'changed', description: 'Switched off.' },
      { change: 'removed' },
      { change: 'changed' },
      { change: 'changed' },
    ]);
    expect(second.recorder.state.gateObjects).toBe(1);
    await second.stop();
  });

  it('adds nothing when a rebuilt cluster shows the same promotions again, and tells what became of the open ones', async () => {
    const first = await record();
    cluster.put('promotions', promotion('done', 'Succeeded', { minute: 0 }));
    cluster.put('promotions', promotion('open', 'Running', { minute: 5 }));
    await first.until('both', (records) => has('promotion-finished')(records) && has('promotion-started', 2)(records));
    await first.stop();
    const before = first.log.head.seq;

    // The new cluster is empty at first: that is no removal.
    await cluster.stop();
    cluster = await FakeCluster.start();
    const second = await record();
    await second.until('the empty project', () => second.recorder.state.following.Promotion === true);
    cluster.put('stages', stage('beta', []));
    cluster.put('stages', stage('paper', ['beta']));
    cluster.put('freights', freight('f1'));
    const restored = (object: ReturnType<typeof promotion>) => ({
      ...object,
      metadata: { ...object.metadata, uid: `new-${object.metadata.name}`, creationTimestamp: '2026-12-24T00:00:00Z' },
    });
    cluster.put('promotions', restored(promotion('done', 'Succeeded', { minute: 0 })));
    cluster.put('promotions', restored(promotion('open', '', { minute: 5 })));
    cluster.put(
      'promotions',
      restored(promotion('open', 'Aborted', { minute: 5, message: 'interrupted by cluster rebuild' })),
    );
    const records = await second.until('the end of the open one', has('promotion-aborted'));
    const added = records.slice(before).filter((item) => 'promotion' in item);
    expect(added).toMatchObject([
      { type: 'promotion-aborted', promotion: 'open', abortedBy: 'unknown', message: 'interrupted by cluster rebuild' },
    ]);
    await second.stop();
  });

  it('writes nothing while it may not, and everything once it may', async () => {
    let allowed = false;
    const running = await record(() => {
      if (!allowed) throw new Error('somebody else holds the lease');
    });
    cluster.put('promotions', promotion('p1', 'Succeeded'));
    while (running.recorder.state.pending < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(running.log.head.seq).toBe(0);
    expect(running.recorder.state.writeError).toBe('somebody else holds the lease');
    allowed = true;
    await running.until('everything', has('promotion-finished'));
    expect(running.recorder.state).toMatchObject({ pending: 0, writeError: undefined });
    await running.stop();
  });

  it('keeps a report until it is on the disk, once', async () => {
    const running = await record();
    const denied = {
      type: 'promotion-denied',
      key: 'attempt/12345678/promotion-denied',
      at: '2026-11-20T15:00:00.000Z',
      project,
      attempt: '12345678',
      stage: 'paper',
      freight: 'f1',
      tag,
      actor: 'email:alice@example.org',
      reason: 'blocked: market hours',
      reportedBy: 'desk',
    } as const;
    const numbers = await Promise.all([running.recorder.report(denied, 5000), running.recorder.report(denied, 5000)]);
    expect(numbers[0]).toBeGreaterThan(0);
    expect(numbers[1]).toBe(numbers[0]);
    expect(await running.recorder.report(denied, 5000)).toBe(numbers[0]);
    await running.stop();
  });
});
