import { expect, test } from 'vitest';
import type { KargoFreight, KargoStage } from '../../../runtime/desk/kargo/types.ts';
import { durationMs, eligibilityOf } from '../../../runtime/desk/server/eligibility.ts';
import { deskState, queueOf, tagOf } from '../../../runtime/desk/server/state.ts';
import { bearerToken, tokenOwner } from '../../../runtime/desk/server/token.ts';
import { fakeToken } from '../../support/desk/fake-kargo.ts';

const now = new Date('2026-11-27T18:00:00Z');
const origin = { kind: 'Warehouse', name: 'images' };

function stage(name: string, sources: object, status: KargoStage['status'] = {}): KargoStage {
  return { metadata: { name, uid: `uid-${name}` }, spec: { requestedFreight: [{ origin, sources }] }, status };
}

function freight(status: KargoFreight['status'] = {}): KargoFreight {
  return { metadata: { name: 'f1' }, origin, images: [{ repoURL: 'r/app', tag: '0123456' }], status };
}

function eligibility(target: KargoStage, one: KargoFreight, others: readonly KargoStage[] = [], enabled = true) {
  const stages = new Map([target, ...others].map((each) => [each.metadata?.name ?? '', each]));
  return eligibilityOf(one, target, stages, enabled, now);
}

const paper = (sources: object = {}) => stage('paper', { stages: ['beta'], ...sources });

test.each<[string, KargoStage, KargoFreight, KargoStage[], object]>([
  ['it is there already', paper(), freight({ currentlyIn: { paper: {} } }), [], { state: 'here' }],
  ['straight from the registry', stage('ci', { direct: true }), freight(), [], { state: 'eligible' }],
  ['verified upstream', paper(), freight({ verifiedIn: { beta: {} } }), [], { state: 'eligible' }],
  [
    'approved by hand',
    paper(),
    freight({ approvedFor: { paper: {} } }),
    [],
    { state: 'eligible', reason: 'approved for paper by hand' },
  ],
  ['not there yet', paper(), freight(), [stage('beta', {})], { state: 'waiting', reason: 'it has not passed beta' }],
  [
    'being promoted upstream',
    paper(),
    freight(),
    [stage('beta', {}, { currentPromotion: { name: 'p', freight: { name: 'f1' } } })],
    { state: 'waiting', reason: 'its promotion to beta is running' },
  ],
  [
    'upstream, but sick',
    paper(),
    freight({ currentlyIn: { beta: {} } }),
    [stage('beta', {}, { health: { status: 'Degraded' } })],
    { state: 'waiting', reason: 'it is in beta, which is Degraded' },
  ],
  [
    'upstream, not verified',
    paper(),
    freight({ currentlyIn: { beta: {} } }),
    [stage('beta', {}, { health: { status: 'Healthy' } })],
    { state: 'waiting', reason: 'it is in beta, not verified yet' },
  ],
  [
    'failed upstream, with Kargo’s words',
    paper(),
    freight(),
    [
      stage(
        'beta',
        {},
        {
          lastPromotion: {
            name: 'p',
            freight: { name: 'f1' },
            status: { phase: 'Failed', message: '3 of 120 failed' },
          },
        },
      ),
    ],
    { state: 'waiting', reason: 'its promotion to beta failed: 3 of 120 failed' },
  ],
  [
    'not soaked long enough',
    paper({ requiredSoakTime: '2h' }),
    freight({
      verifiedIn: { beta: { verifiedAt: '2026-11-27T16:30:00Z', longestSoak: '30m0s' } },
      currentlyIn: { beta: { since: '2026-11-27T16:30:00Z' } },
    }),
    [],
    { state: 'waiting', reason: 'it has to stay in beta for 2h first' },
  ],
  [
    'soaked',
    paper({ requiredSoakTime: '1h' }),
    freight({ verifiedIn: { beta: {} }, currentlyIn: { beta: { since: '2026-11-27T16:30:00Z' } } }),
    [],
    { state: 'eligible' },
  ],
  [
    'one of two upstream stages is enough',
    stage('live', { stages: ['beta', 'paper'] }),
    freight({ verifiedIn: { paper: {} } }),
    [],
    { state: 'eligible' },
  ],
  [
    'both are asked for',
    stage('live', { stages: ['beta', 'paper'], availabilityStrategy: 'All' }),
    freight({ verifiedIn: { paper: {} } }),
    [],
    { state: 'waiting', reason: 'it has not passed beta' },
  ],
])('a build: %s', (_, target, one, others, expected) => {
  expect(eligibility(target, one, others)).toEqual(expected);
});

test('a stage that is switched off takes nothing, and says so', () => {
  expect(eligibility(paper(), freight({ verifiedIn: { beta: {} } }), [], false)).toEqual({
    state: 'waiting',
    reason: 'paper is switched off',
  });
});

test('a stage from another Warehouse takes nothing', () => {
  const other = { ...freight({ verifiedIn: { beta: {} } }), origin: { kind: 'Warehouse', name: 'other' } };
  expect(eligibility(paper(), other)).toEqual({ state: 'waiting', reason: 'paper takes nothing from other' });
});

test('durations of Go', () => {
  expect(['1h30m', '45s', '1m0.5s', '250ms', '', undefined].map((text) => durationMs(text))).toEqual([
    5_400_000, 45_000, 60_500, 250, 0, 0,
  ]);
});

test('a tag of digits stays a text', () => {
  expect(tagOf([{ repoURL: 'r/app', tag: '1234567' }], 'r/app')).toBe('1234567');
  expect(
    tagOf(
      [
        { repoURL: 'r/other', tag: 'x' },
        { repoURL: 'r/app', tag: '12345e7' },
      ],
      'r/app',
    ),
  ).toBe('12345e7');
  expect(tagOf([], 'r/app')).toBe('');
});

test('a stage is told in the words of Kargo’s own dashboard', () => {
  const condition = (type: string, status: string, reason: string, message = '') => ({ type, status, reason, message });
  const activity = (...conditions: object[]) =>
    deskState([{ metadata: { name: 'beta' }, status: { conditions } }], [], {
      stages: [{ name: 'beta', enabled: true }],
      now,
    }).stages[0]!.activity;
  expect(activity(condition('Ready', 'True', 'Verified'))).toEqual({ state: 'ready' });
  expect(activity(condition('Promoting', 'True', 'ActivePromotion', 'p'))).toEqual({
    state: 'promoting',
    message: 'p',
  });
  expect(activity(condition('Promoting', 'True', 'NoFreight'))).toMatchObject({ state: 'unknown' });
  expect(activity(condition('Verified', 'Unknown', 'VerificationRunning', 'v'))).toEqual({
    state: 'verifying',
    message: 'v',
  });
  expect(
    activity(
      condition('Reconciling', 'True', 'RetryAfterError'),
      condition('Ready', 'False', 'ReconcileError', 'blocked'),
    ),
  ).toEqual({
    state: 'reconciling',
    message: 'blocked',
  });
  expect(activity(condition('Ready', 'False', 'Unhealthy', 'u'))).toEqual({ state: 'failed', message: 'u' });
  expect(activity()).toMatchObject({ state: 'unknown' });
});

test('a stage that Kargo does not have is shown, and says so', () => {
  const state = deskState([], [freight()], { stages: [{ name: 'paper', enabled: true }], now });
  expect(state.stages).toEqual([
    expect.objectContaining({
      name: 'paper',
      activity: { state: 'unknown', message: 'Kargo does not have this stage' },
    }),
  ]);
  expect(state.freight[0]?.stages.paper).toEqual({ state: 'waiting', reason: 'Kargo does not have paper' });
});

test('objects without any field do no harm', () => {
  expect(() => deskState([{}], [{}], { stages: [{ name: 'beta', enabled: true }], now })).not.toThrow();
});

test('the queue holds what has not ended: the running one first, then in the order of names', () => {
  const promotion = (name: string, phase: string | undefined) => ({
    metadata: { name },
    spec: { stage: 'live', freight: 'f1' },
    status: { phase },
  });
  const queue = queueOf(
    [
      promotion('c', undefined),
      promotion('a', 'Pending'),
      promotion('d', 'Running'),
      promotion('b', 'Succeeded'),
      promotion('e', 'Aborted'),
    ],
    [freight()],
    'r/app',
    'x/break-glass',
  );
  expect(queue.map(({ promotion: name, phase, actor, tag }) => [name, phase, actor, tag])).toEqual([
    ['d', 'Running', 'automatic', '0123456'],
    ['a', 'Pending', 'automatic', '0123456'],
    ['c', 'Pending', 'automatic', '0123456'],
  ]);
});

test.each<[string, Record<string, unknown>, string]>([
  ['the shared account', { sub: 'admin' }, 'admin'],
  ['a person', { sub: 'x', email: 'alice@example.org' }, 'email:alice@example.org'],
  ['a person without a mail address', { sub: 'x' }, 'subject:x'],
  ['a service account', { sub: 'system:serviceaccount:kargo:kargo-admin' }, 'unknown actor'],
  ['nobody', {}, 'unknown actor'],
])('the owner of a token: %s', (_, claims, actor) => {
  expect(tokenOwner(fakeToken(claims), 'email').actor).toBe(actor);
});

test('another claim names people where Kargo is set so', () => {
  expect(
    tokenOwner(fakeToken({ sub: 'x', email: 'a@b', preferred_username: 'alice' }), 'preferred_username').actor,
  ).toBe('preferred_username:alice');
});

test.each(['', 'a', 'a.b.c', 'a.W10.c', 'a.bnVsbA.c'])('a token that is none has no owner: %j', (token) => {
  expect(tokenOwner(token, 'email')).toEqual({ actor: 'unknown actor' });
});

test('only a bearer token counts', () => {
  expect(bearerToken('Bearer abc.def-_~+/=')).toBe('abc.def-_~+/=');
  for (const header of [
    undefined,
    '',
    'abc',
    'Basic abc',
    'Bearer',
    'Bearer a b',
    'Bearer a\nb',
    `Bearer ${'a'.repeat(9000)}`,
  ]) {
    expect(bearerToken(header)).toBeUndefined();
  }
});
