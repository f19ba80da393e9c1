import { expect, test } from 'vitest';
import { recommendationText } from './recommendation.js';

test('a recommendation is one line with symbol, action and per cent', () => {
  expect(recommendationText({ symbol: 'ACME', action: 'buy', score: 0.724 })).toBe('ACME: buy (72 %)');
});
