import { expect, test } from 'vitest';
import { justificationRule, normaliseText, noteRule, satisfies } from '../../../model/gate/index.ts';
import { badJustifications, goodJustifications } from '../../support/gate/texts.ts';

const rule = justificationRule(15);

test.each(goodJustifications)('a justification: %s', (_, text) => {
  expect(satisfies(text, rule)).toBe(true);
});

test.each(badJustifications)('no justification: %s', (_, text) => {
  expect(satisfies(text, rule)).toBe(false);
});

test('a note is short', () => {
  expect(satisfies('v12', noteRule)).toBe(true);
  expect(satisfies('..', noteRule)).toBe(false);
  expect(satisfies('   ', noteRule)).toBe(false);
});

test('line breaks and tabs that a person typed become spaces; invisible characters stay, and are refused', () => {
  expect(normaliseText('  rolling back,\r\n\torders are rejected ')).toBe('rolling back, orders are rejected');
  expect(satisfies(normaliseText('rolling back \u200b orders are rejected'), rule)).toBe(false);
});
