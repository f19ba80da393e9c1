import fc from 'fast-check';
import { load, loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { yamlDocument, yamlDocuments } from '../../../constructs/core/index.ts';

/** Texts long enough to be written as blocks, with every line end and indentation that could break one. */
const longText = fc
  .array(
    fc.constantFrom(
      'a',
      'key: value',
      '  indented',
      '\t',
      '',
      '- item',
      '# no comment',
      '"quoted"',
      'é',
      '\u2028',
      '---',
      '...',
      '{{ x }}',
    ),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .chain((lines) =>
    fc.constantFrom('', '\n', '\n\n', '\n\n\n').map((end) => `${'x'.repeat(2_000)}\n${lines.join('\n')}${end}`),
  );

describe('long texts', () => {
  test('come back as they were, wherever they stand', () => {
    fc.assert(
      fc.property(longText, fc.boolean(), (text, last) => {
        const value = {
          data: { 'a.sh': text, b: last ? text : 'short' },
          list: [text, { nested: [{ deep: text }], after: 1 }],
        };
        expect(load(yamlDocument(value))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test('are readable: a script stands line by line', () => {
    const script = `#!/bin/sh\n${'echo one\n'.repeat(300)}`;
    expect(yamlDocument({ script })).toContain('script: |\n  #!/bin/sh\n  echo one\n');
  });

  test('that a block cannot carry are quoted', () => {
    const text = `${'x'.repeat(2_000)}\u0007`;
    expect(load(yamlDocument({ text }))).toEqual({ text });
  });
});

test('scalars that other readers take for something else are quoted', () => {
  for (const scalar of [
    '0123456',
    '12345e7',
    '1234567',
    'on',
    'no',
    '0o17',
    '=',
    '<<',
    '~',
    'null',
    '1_000',
    '12:30:45',
  ]) {
    const text = yamlDocument({ scalar });
    expect(load(text)).toEqual({ scalar });
    expect(text).toContain(`"${scalar}"`);
  }
});

test('documents are separated, and each is complete', () => {
  const values = [{ a: 1 }, { b: `${'y'.repeat(2_100)}\n\n` }, { c: [] }];
  expect(loadAll(yamlDocuments(values))).toEqual(values);
});
