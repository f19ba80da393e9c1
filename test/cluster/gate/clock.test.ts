import { Testing } from 'cdk8s';
import { Construct } from 'constructs';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import { gateContext } from '../../../constructs/gate/context.ts';
import { type GateStage, type ZoneClock, ZoneProbe, zoneProbeObject } from '../../../constructs/gate/index.ts';
import { createPolicy, startPolicy } from '../../../constructs/gate/promotion-policies.ts';
import { decidePromotion, decideStart, gateAnnotation } from '../../../model/gate/index.ts';
import {
  blockedIntervals,
  type PromotionWindow,
  weekdays,
  windowCalendar,
  zoneOffsets,
} from '../../../model/promotion-window/index.ts';
import { address, caller, mergePatch, promotion } from '../../support/gate/cluster.ts';
import { alice, exampleGate, newYork } from '../../support/gate/example.ts';
import { type Answer, type Plane, startPlane } from '../../support/plane.ts';
import { until } from '../../support/processes.ts';

/**
 * Nobody can set the clock of an API server. Here, and only here, the policies read the time from the request: creation from
 * an annotation, start from the status message. Everything else in them is as it is rendered.
 */
const clockAnnotation = 'test.example.org/clock';
const years = { from: 2007, to: 2035 };
const second = 1000;
const day = 86_400_000;

interface Case {
  readonly project: string;
  readonly clock: ZoneClock;
  readonly window: PromotionWindow;
}

const sessions: PromotionWindow = { ...newYork, calendar: 'XNYS', closedDays: ['2027-04-01'] };
const cases: readonly Case[] = (['zone-names', 'utc-arithmetic'] as const).flatMap((clock) => [
  { project: `hours-${clock}`, clock, window: newYork },
  { project: `sessions-${clock}`, clock, window: sessions },
]);
const always: Case = {
  project: 'always',
  clock: 'zone-names',
  window: { timeZone: 'UTC', days: weekdays, from: '00:00', to: '24:00' },
};

const paperOf = (window: PromotionWindow): GateStage =>
  exampleGate(window).stages.find((stage) => stage.name === 'paper') as GateStage;
const iso = (millis: number) => new Date(millis).toISOString().replace('.000Z', 'Z');

let plane: Plane;

function policies(): KubernetesObject[] {
  const chart = Testing.chart();
  for (const { project, clock, window } of [...cases, always]) {
    const scope = new Construct(chart, project);
    const context = gateContext({ ...exampleGate(window), system: project, project, clock });
    createPolicy(scope, context, { now: `timestamp(object.metadata.annotations['${clockAnnotation}'])`, years });
    startPolicy(scope, context, { now: 'timestamp(object.status.message)', years });
  }
  return chart.toJson();
}

function ask({ project }: Case, millis: number, annotations: Record<string, string> = {}): Promise<Answer> {
  const object = promotion({
    stage: 'paper',
    actor: alice,
    annotations: { ...annotations, [clockAnnotation]: iso(millis) },
  });
  const body = { ...object, metadata: { ...object.metadata, namespace: project } };
  return plane.request(
    'POST',
    `${address('kargo/promotions', { namespace: project })}?dryRun=All`,
    body,
    caller.kargoApi,
  );
}

function start({ project }: Case, name: string, millis: number): Promise<Answer> {
  const target = `${address('kargo/promotions', { namespace: project, name, sub: 'status' })}?dryRun=All`;
  const status = { phase: 'Running', startedAt: iso(millis), message: iso(millis) };
  return plane.request('PATCH', target, { status }, { ...caller.kargoController, contentType: mergePatch });
}

/** What the API server says, in the words of the model. */
function answerText(answer: Answer): string {
  if (answer.status === 201 || answer.status === 200) return 'allowed';
  const message = String(answer.body?.message);
  return message.replace(/^.* denied request: /, '');
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
    }),
  );
  return results;
}

const around = (instants: readonly number[]) => instants.flatMap((at) => [at - second, at, at + second]);

/** Both changes of the clocks of every year, and the boundaries of the windows before and after each. */
function clockChanges(window: PromotionWindow): number[] {
  const { transitions } = zoneOffsets('America/New_York', Date.UTC(years.from, 0), Date.UTC(years.to + 1, 0));
  expect(transitions.length).toBe(2 * 29);
  return transitions.flatMap(({ at }) => {
    const last = blockedIntervals(window, at - 5 * day, at).at(-1);
    const first = blockedIntervals(window, at, at + 5 * day)[0];
    return around([at, ...[last, first].flatMap((interval) => (interval ? [interval.start, interval.end] : []))]);
  });
}

/** Early closes, holidays and closed days; without the calendar they block like any other. */
const exceptions: readonly number[] = (() => {
  const window = sessions;
  const years = [2007, 2012, 2018, 2025, 2026, 2027, 2028, 2035];
  return years.flatMap((year) => {
    const { blocked, open } = windowCalendar(window, year);
    const noons = open.map(({ date }) => DateTime.fromISO(`${date}T12:00`, { zone: window.timeZone }).toMillis());
    const closes = blocked.filter((row) => row.earlyClose).map((row) => row.to.toMillis());
    return [...noons, ...around(closes)];
  });
})();

/** Instants of all years without a pattern, the same in every run. */
function scattered(count: number): number[] {
  let state = 20_071_105;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const span = Date.UTC(years.to + 1, 0) - Date.UTC(years.from, 0);
    return Math.floor((Date.UTC(years.from, 0) + (state / 2 ** 31) * span) / second) * second;
  });
}

beforeAll(async () => {
  plane = await startPlane({ crds: ['kargo'], controllers: false });
  await plane.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'gate-test' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'gate-test' }],
    } as KubernetesObject,
    ...[...cases, always].map(({ project }) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: project } })),
  ]);
  // The queue of each project, from before the policies.
  for (const { project } of [...cases, always]) {
    for (const name of ['ordinary', 'emergency']) {
      const annotations: Record<string, string> =
        name === 'emergency' ? { [gateAnnotation.breakGlass]: 'orders are rejected' } : {};
      const object = promotion({ name, stage: 'paper', actor: alice, annotations });
      const body = { ...object, metadata: { ...object.metadata, namespace: project } };
      expect((await plane.request('POST', address('kargo/promotions', { namespace: project }), body)).status).toBe(201);
      const target = address('kargo/promotions', { namespace: project, name, sub: 'status' });
      const answer = await plane.request(
        'PATCH',
        target,
        { status: { phase: 'Pending' } },
        { contentType: mergePatch },
      );
      expect(answer.status).toBe(200);
    }
  }
  await plane.apply(policies());
  const inside = Date.parse('2026-11-23T15:00:00Z');
  for (const one of [...cases, always]) {
    await until(`the policies of ${one.project} are in force`, async () => {
      const answers = await Promise.all([ask(one, inside), start(one, 'ordinary', inside)]);
      return answers.every((answer) => answer.status === 403) ? true : undefined;
    });
  }
});
afterAll(() => plane?.stop());

describe.each(cases)('$project on the real API server', (one) => {
  const stage = paperOf(one.window);

  /** Where the API server and the model differ, in decision or text. */
  async function differences(instants: readonly number[]): Promise<string[]> {
    const answers = await inParallel(instants, (millis) => ask(one, millis));
    return instants.flatMap((millis, index) => {
      const decision = decidePromotion(stage, { at: DateTime.fromMillis(millis), actor: alice });
      const expected = decision.allowed ? 'allowed' : decision.message;
      const found = answerText(answers[index] as Answer);
      return found === expected ? [] : [`${iso(millis)}: ${found}, expected ${expected}`];
    });
  }

  test('decides and says the same as the model around both changes of the clocks, 2007 to 2035', async () => {
    expect(await differences(clockChanges(one.window))).toEqual([]);
  });

  test('decides and says the same as the model on holidays, at early closes and at any time', async () => {
    const instants = [...exceptions, ...scattered(200)];
    expect(instants.length).toBeGreaterThan(200);
    expect(await differences(instants)).toEqual([]);
  });

  test('holds a queued promotion by the same clock, with the same words', async () => {
    const boundaries = blockedIntervals(one.window, Date.UTC(2026, 10, 25), Date.UTC(2026, 11, 1));
    const instants = around(boundaries.flatMap((interval) => [interval.start, interval.end]));
    const answers = await inParallel(instants, (millis) => start(one, 'ordinary', millis));
    const expected = instants.map((millis) => {
      const at = DateTime.fromMillis(millis);
      const decision = decideStart(stage, { createdAt: at, at, breakGlass: false });
      return decision.allowed ? 'allowed' : decision.message;
    });
    expect(answers.map(answerText)).toEqual(expected);
    expect(new Set(expected.map((text) => text === 'allowed')).size).toBe(2);
  });
});

test('a break-glass promotion starts until 30 minutes after its creation, the last second included', async () => {
  const target = address('kargo/promotions', { namespace: always.project, name: 'emergency' });
  const created = Date.parse((await plane.request('GET', target)).body.metadata.creationTimestamp);
  const minutes = [0, 15 * 60, 30 * 60 - 1, 30 * 60, 30 * 60 + 1, 31 * 60, 86_400];
  const stage = paperOf(always.window);
  for (const seconds of minutes) {
    const millis = created + seconds * second;
    const at = DateTime.fromMillis(millis);
    const decision = decideStart(stage, { createdAt: DateTime.fromMillis(created), at, breakGlass: true });
    expect(decision.allowed).toBe(seconds <= 30 * 60);
    const answer = answerText(await start(always, 'emergency', millis));
    if (decision.allowed) expect(answer).toBe('allowed');
    else
      expect(answer).toMatch(/^blocked: the break-glass of this promotion expired, it had to start within 30 minutes/);
  }
});

describe('the zone probe', () => {
  const probes = [
    { system: 'known', timeZones: ['America/New_York', 'Europe/Berlin'] },
    { system: 'unknown', timeZones: ['America/New_York', 'Mars/Olympus'] },
  ];
  const tryOut = (namespace: string, what: string) =>
    plane.request(
      'POST',
      `${address('configmaps', { namespace })}?dryRun=All`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: zoneProbeObject, namespace }, data: { try: what } },
      caller.clusterAdmin,
    );

  beforeAll(async () => {
    const chart = Testing.chart();
    for (const probe of probes) new ZoneProbe(chart, probe.system, { ...probe, namespace: probe.system });
    await plane.apply(
      probes.map(({ system }) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: system } })),
    );
    await plane.apply(chart.toJson());
    for (const { system } of probes) {
      await until('the probe is in force', async () =>
        /zone probe is in force/.test((await tryOut(system, 'refusal')).body?.message) ? true : undefined,
      );
    }
  });

  test('is passed where the API server knows the zones, and leaves nothing behind', async () => {
    expect((await tryOut('known', 'zones')).status).toBe(201);
    expect(
      (await plane.request('GET', address('configmaps', { namespace: 'known', name: zoneProbeObject }))).status,
    ).toBe(404);
  });

  test('is refused where a zone is unknown: an error of the expression fails closed', async () => {
    const answer = await tryOut('unknown', 'zones');
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain('Mars/Olympus');
  });
});
