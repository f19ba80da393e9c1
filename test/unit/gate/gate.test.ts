import { describe, expect, test } from 'vitest';
import { gate, kargoPromotionWindowProblems, namesAPerson, queueAhead } from '../../../model/gate/index.ts';
import { alice, newYork } from '../../support/gate/example.ts';

describe('settings of a gate', () => {
  test('break-glass has its limits by default', () => {
    expect(gate.parse({ window: newYork, breakGlass: { actors: [alice] } }).breakGlass).toEqual({
      actors: [alice],
      minimumJustification: 15,
      startWithinMinutes: 30,
    });
  });

  test.each([
    ['the shared account as approver', { approvers: ['admin'] }, 'the shared account "admin" names nobody'],
    ['a token', { approvers: ['unknown actor'] }, 'names no person'],
    ['a service account', { approvers: ['kubernetes:system:serviceaccount:a:b'] }, 'names no person'],
    ['an address without its claim', { approvers: ['alice@example.org'] }, 'names no person'],
    ['nobody', { approvers: [] }, 'nobody may'],
    ['somebody twice', { approvers: [alice, alice] }, 'listed twice'],
    ['break-glass without a window', { breakGlass: { actors: [alice] } }, 'breaks nothing'],
    ['break-glass by the shared account', { window: newYork, breakGlass: { actors: ['admin'] } }, 'names nobody'],
    [
      'a justification of a word',
      { window: newYork, breakGlass: { actors: [alice], minimumJustification: 5 } },
      'at least 15 characters',
    ],
    ['a day to start', { window: newYork, breakGlass: { actors: [alice], startWithinMinutes: 1440 } }, '120 minutes'],
    ['an unknown field', { windows: newYork }, 'windows'],
  ])('%s is refused', (_, value, text) => {
    expect(
      gate
        .safeParse(value)
        .error?.issues.map((issue) => issue.message)
        .join('\n'),
    ).toContain(text);
  });
});

test('people and others', () => {
  expect(['email:a@b.c', 'kubernetes:bob', 'preferred_username:bob', 'subject:1234'].every(namesAPerson)).toBe(true);
  const others = [
    'admin',
    'unknown actor',
    '',
    'bob',
    'email:',
    'email: ',
    'kubernetes:admin',
    'kubernetes:system:admin',
  ];
  expect(others.filter(namesAPerson)).toEqual([]);
  expect(namesAPerson(undefined)).toBe(false);
});

test('what waits before an emergency: pending promotions of the same stage, in order, and the running one apart', () => {
  const promotions = [
    { name: 'paper.03', stage: 'paper', phase: 'Pending' },
    { name: 'paper.02', stage: 'paper' },
    { name: 'paper.01', stage: 'paper', phase: 'Running' },
    { name: 'paper.00', stage: 'paper', phase: 'Succeeded' },
    { name: 'live.01', stage: 'live', phase: 'Pending' },
  ];
  const { running, pending } = queueAhead(promotions, 'paper');
  expect(running?.name).toBe('paper.01');
  expect(pending.map((promotion) => promotion.name)).toEqual(['paper.02', 'paper.03']);
  expect(queueAhead(promotions, 'beta')).toEqual({ pending: [] });
});

test("Kargo's own promotion windows are found wherever they stand", () => {
  const spec = { promotionPolicies: [{ stageSelector: { name: 'live' }, promotionWindows: [{ kind: 'deny' }] }] };
  expect(kargoPromotionWindowProblems(spec, 'projectConfig')).toEqual([
    expect.objectContaining({ path: 'projectConfig.promotionPolicies.0.promotionWindows' }),
  ]);
  expect(kargoPromotionWindowProblems({ promotionPolicies: [] }, 'projectConfig')).toEqual([]);
});
