import { describe, expect, test } from 'vitest';
import { breakGlassAccess, gateView, refusals, sourceOf, tickingText } from '../../../runtime/desk/client/gate-view.ts';
import { ago, commitAddress, lasted, lasting, shortTag } from '../../../runtime/desk/client/words.ts';
import { promotionIntent } from '../../../runtime/desk/dashboard/intent.ts';
import { denialInWords, isDenial } from '../../../runtime/desk/kargo/denial.ts';
import { chain } from '../../support/desk/world.ts';

const view = (name: string, at: string, stages = chain) => gateView(stages, name, new Date(at));

describe('what people see of the gate', () => {
  test('blocked, with reason, time left and the moment of the change', () => {
    expect(view('paper', '2026-11-27T13:47:00-05:00')).toMatchObject({
      state: 'blocked',
      title: 'Blocked',
      reason: 'market hours 09:30-16:00 America/New_York, Mon-Fri',
      countdown: 'opens in 2h13m',
      changesAt: 'Fri 16:00 EST',
    });
  });

  test.each([
    ['09:29:59', 'open'],
    ['09:30:00', 'blocked'],
    ['15:59:59', 'blocked'],
    ['16:00:00', 'open'],
  ])('at %s it is %s', (time, state) => {
    expect(view('live', `2026-11-27T${time}-05:00`).state).toBe(state);
  });

  test('the same wall clock on both sides of a change of the clocks', () => {
    expect(view('live', '2026-10-30T15:59:00-04:00')).toMatchObject({ state: 'blocked', changesAt: 'Fri 16:00 EDT' });
    expect(view('live', '2026-11-02T15:59:00-05:00')).toMatchObject({ state: 'blocked', changesAt: 'Mon 16:00 EST' });
    // From Friday 18:00 EDT to Monday 09:30 EST is an hour longer than in other weeks.
    expect(view('live', '2026-10-30T18:00:00-04:00').countdown).toBe('closes in 2d16h30m');
    expect(view('live', '2026-11-06T18:00:00-05:00').countdown).toBe('closes in 2d15h30m');
  });

  test('a stage without a window, and one that is switched off', () => {
    expect(view('beta', '2026-11-27T13:47:00-05:00')).toMatchObject({ state: 'free', title: 'Allowed', needs: [] });
    const off = chain.map((stage) => (stage.name === 'paper' ? { ...stage, enabled: false } : stage));
    expect(view('paper', '2026-11-27T13:47:00-05:00', off)).toMatchObject({ state: 'disabled', title: 'Switched off' });
    expect(sourceOf(off, 'live')).toBe('beta');
  });

  test('evidence that is waived is said at every stage after it', () => {
    const off = chain.map((stage) => (stage.name === 'ci' ? { ...stage, enabled: false } : stage));
    for (const name of ['beta', 'paper', 'live']) {
      expect(view(name, '2026-11-27T18:00:00-05:00', off).waived).toBe('evidence waived: ci is switched off');
    }
    expect(view('live', '2026-11-27T18:00:00-05:00').waived).toBeUndefined();
  });

  test('seconds in the last hour only', () => {
    expect([3_600_000, 3_599_000, 61_000, 59_000, 0].map(tickingText)).toEqual([
      '1h00m',
      '59m 59s',
      '1m 01s',
      '59s',
      '0s',
    ]);
  });
});

test('who may break glass, and why not', () => {
  const live = chain[3]!;
  expect(breakGlassAccess(live, 'email:risk@example.org')).toEqual({ allowed: true });
  expect(breakGlassAccess(live, 'email:alice@example.org').reason).toBe('Break-glass is for email:risk@example.org.');
  expect(breakGlassAccess(live, 'admin').reason).toContain('admin names nobody');
  expect(breakGlassAccess(chain[1]!, 'admin')).toMatchObject({ allowed: false });
});

test('the dialog refuses what the gate would refuse, and nothing else', () => {
  const live = chain[3]!;
  const now = new Date('2026-11-27T13:47:00-05:00');
  const rules = (request: object) =>
    refusals(live, { now, actor: 'email:risk@example.org', ...request }).map((one) => one.rule);
  expect(rules({})).toEqual(['note', 'blocked']);
  expect(rules({ note: 'Weekly release' })).toEqual(['blocked']);
  expect(rules({ note: 'Weekly release', breakGlass: 'too short' })).toEqual(['break-glass']);
  expect(rules({ note: 'Weekly release', breakGlass: '\u200b'.repeat(20) })).toEqual(['break-glass']);
  expect(rules({ note: 'Weekly release', breakGlass: 'Orders are rejected' })).toEqual([]);
});

describe('requests of the stock dashboard', () => {
  const path = '/v1beta1/projects/stonks-pipeline/stages/live/promotions';

  test('promotions are recognised, whichever button made them', () => {
    expect(promotionIntent('POST', path, '{"freight":"f1"}')).toEqual({
      kind: 'promote',
      project: 'stonks-pipeline',
      stage: 'live',
      freight: 'f1',
      freightAlias: undefined,
    });
    expect(promotionIntent('POST', `${path}/downstream`, '{"freightAlias":"quiet-otter"}')).toMatchObject({
      kind: 'downstream',
      freightAlias: 'quiet-otter',
    });
  });

  test.each([
    ['GET', path, '{"freight":"f1"}'],
    ['POST', path, '{"origin":"Warehouse/w"}'],
    ['POST', path, 'no json'],
    ['POST', path, 'null'],
    ['POST', `${path}/x`, '{"freight":"f1"}'],
    ['POST', '/v1beta1/projects/p/promotions/x/abort', ''],
  ])('everything else goes its way: %s %s %s', (method, pathname, body) => {
    expect(promotionIntent(method, pathname, body)).toBeUndefined();
  });
});

test('a refusal in words', () => {
  const text = `promotions.kargo.akuity.io "paper.01kb.f" is forbidden: ValidatingAdmissionPolicy 'gate' with binding 'gate' denied request: blocked: paper takes no promotion`;
  expect(denialInWords(text)).toBe('blocked: paper takes no promotion');
  expect(denialInWords('admission webhook "x" denied the request: no')).toBe('no');
  expect(denialInWords('not found')).toBe('not found');
  expect([isDenial(text), isDenial('not found')]).toEqual([true, false]);
});

test('times for people', () => {
  const now = new Date('2026-11-27T18:00:00Z');
  expect(ago('2026-11-27T17:59:30Z', now)).toBe('just now');
  expect(ago('2026-11-27T17:48:00Z', now)).toBe('12 min ago');
  expect(ago('2026-11-24T14:00:00Z', now)).toBe('3 d 4 h ago');
  expect(lasting('2026-11-27T15:12:00Z', now)).toBe('for 2 h 48 min');
  expect(ago('never', now)).toBe('unknown');
  expect(lasted('2026-11-27T15:00:00Z', '2026-11-27T15:00:12Z')).toBe('12 s');
  expect(lasted(undefined, '2026-11-27T15:00:12Z')).toBe('');
});

test('a tag is a link only to a web address, and cannot leave its place in it', () => {
  expect(commitAddress('https://git.example.org/r/commit/{tag}', 'a/../../x?y')).toBe(
    'https://git.example.org/r/commit/a%2F..%2F..%2Fx%3Fy',
  );
  expect(commitAddress('javascript:alert(1)//{tag}', 'x')).toBeUndefined();
  expect(commitAddress(undefined, 'x')).toBeUndefined();
  expect(shortTag('0123456789012345678901234567890123456789')).toBe('012345678901');
  expect(shortTag('v1.2.3')).toBe('v1.2.3');
});
