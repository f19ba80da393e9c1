import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { decidePromotion, decideStart, type GatedStage, type PromotionRequest } from '../../../model/gate/index.ts';
import { alice, bob, exampleGate } from '../../support/gate/example.ts';

function stage(name: string): GatedStage {
  const found = exampleGate().stages.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

function at(local: string): DateTime {
  return DateTime.fromISO(local, { zone: 'America/New_York' });
}

const open = at('2026-11-23T08:00:00');
const closed = at('2026-11-23T13:47:00');
const justification = 'orders are rejected since 13:20, rolling back';

function refusals(name: string, request: Partial<PromotionRequest>): string[] {
  return decidePromotion(stage(name), { at: open, actor: alice, ...request }).refusals.map(
    (refusal) => refusal.message,
  );
}

describe('outside the window', () => {
  test('paper is promoted by hand and automatically', () => {
    expect(refusals('paper', {})).toEqual([]);
    expect(refusals('paper', { actor: undefined })).toEqual([]);
  });

  test('live is promoted by an approver with a note', () => {
    const decision = decidePromotion(stage('live'), { at: open, actor: bob, note: 'release 12' });
    expect(decision).toMatchObject({ allowed: true, overridesWindow: false });
    expect(decision.message).toContain('closes in 1h30m');
  });

  test('live without a note is refused', () => {
    expect(refusals('live', {})).toEqual([expect.stringMatching(/^note: a promotion to live needs a note/)]);
  });

  test.each([
    ['the shared account', 'admin'],
    ['an API token', 'unknown actor'],
    ['a service account', 'kubernetes:system:serviceaccount:example-pipeline:kargo-promoter'],
    ['a controller', 'controller:stage-controller'],
    ['an empty name', 'email:'],
    ['nobody', ''],
  ])('live is not promoted by %s', (_, actor) => {
    expect(refusals('live', { actor, note: 'release 12' }).join()).toMatch(
      /^approval: live is promoted by a named person/,
    );
  });

  test('live is not promoted by somebody who is no approver', () => {
    expect(refusals('live', { actor: 'email:eve@example.org', note: 'release 12' })).toEqual([
      'approval: email:eve@example.org may not promote to live. Ask one of email:alice@example.org, email:bob@example.org',
    ]);
  });

  test('live is never promoted automatically', () => {
    expect(refusals('live', { actor: undefined }).join()).toContain('promoted by hand, never automatically');
  });

  test('a token may not promote to a gated stage, because the record would have no name', () => {
    expect(refusals('paper', { actor: 'unknown actor' }).join()).toContain('names nobody');
    expect(refusals('beta', { actor: 'unknown actor' })).toEqual([]);
  });
});

describe('inside the window', () => {
  test('paper and live are blocked for everybody, with the time left and what to do', () => {
    expect(refusals('paper', { at: closed })).toEqual([
      'blocked: paper takes no promotion during market hours 09:30-16:00 America/New_York, Mon-Fri. It opens in 2h13m. Promote then, or break glass with a justification in an emergency',
    ]);
    expect(refusals('live', { at: closed, note: 'release 12' }).length).toBe(1);
    expect(refusals('paper', { at: closed, actor: undefined }).length).toBe(1);
  });

  test('a stage without a gate is open', () => {
    expect(refusals('beta', { at: closed })).toEqual([]);
  });

  test('break-glass passes the window and nothing else', () => {
    const decision = decidePromotion(stage('paper'), { at: closed, actor: alice, breakGlass: justification });
    expect(decision).toMatchObject({ allowed: true, overridesWindow: true });
    expect(decision.message).toMatch(/^allowed by break-glass: .*opens in 2h13m/);
    expect(refusals('live', { at: closed, breakGlass: justification })).toEqual([
      expect.stringMatching(/^note: a promotion to live needs a note/),
    ]);
  });

  test('break-glass is for the listed people', () => {
    for (const actor of [bob, 'admin', 'unknown actor', undefined]) {
      expect(refusals('paper', { at: closed, actor, breakGlass: justification }).join()).toContain(
        'may not override the promotion window of paper. Ask one of email:alice@example.org',
      );
    }
  });

  test('break-glass outside the window is accepted, and not counted as used', () => {
    const decision = decidePromotion(stage('paper'), { at: open, actor: alice, breakGlass: justification });
    expect(decision).toMatchObject({ allowed: true, overridesWindow: false });
  });

  test('break-glass for a stage without a window is refused', () => {
    expect(refusals('beta', { breakGlass: justification })).toEqual([
      'break-glass: beta has no promotion window to override. Promote without a justification',
    ]);
  });
});

test('a disabled stage is refused by the name of its setting', () => {
  expect(refusals('canary', {}).join()).toContain('stage canary is switched off by its setting "enabled: false"');
});

test('every refusal is told, the first one first', () => {
  const decision = decidePromotion(stage('live'), { at: closed, actor: 'admin' });
  expect(decision.refusals.map((refusal) => refusal.rule)).toEqual(['approval', 'note', 'blocked']);
  expect(decision.message).toBe(decision.refusals[0]?.message);
});

describe('start of a queued promotion', () => {
  const start = (name: string, createdAt: DateTime, now: DateTime, breakGlass = false) =>
    decideStart(stage(name), { createdAt, at: now, breakGlass });

  test('one that was created before the window does not start inside it', () => {
    const decision = start('paper', at('2026-11-23T09:29:00'), at('2026-11-23T09:30:00'));
    expect(decision.allowed).toBe(false);
    expect(decision.message).toContain('This one waits and starts by itself in 6h30m');
    expect(start('paper', at('2026-11-23T09:29:00'), at('2026-11-23T09:29:59')).allowed).toBe(true);
    expect(start('paper', at('2026-11-23T09:29:00'), at('2026-11-23T16:00:00')).allowed).toBe(true);
  });

  test('a break-glass promotion starts within 30 minutes, the last second included', () => {
    const created = at('2026-11-23T10:00:00');
    expect(start('live', created, at('2026-11-23T10:30:00'), true)).toMatchObject({
      allowed: true,
      overridesWindow: true,
    });
    const late = start('live', created, at('2026-11-23T10:30:01'), true);
    expect(late.allowed).toBe(false);
    expect(late.message).toContain('the break-glass of this promotion expired, it had to start within 30 minutes');
  });

  test('an expired break-glass is an ordinary promotion: it starts when the window opens', () => {
    expect(start('live', at('2026-11-23T10:00:00'), at('2026-11-23T16:00:00'), true)).toMatchObject({
      allowed: true,
      overridesWindow: false,
    });
  });

  test('a promotion to a stage that was switched off meanwhile does not start', () => {
    expect(start('canary', open, open).message).toContain('does not start. Abort it');
  });
});
