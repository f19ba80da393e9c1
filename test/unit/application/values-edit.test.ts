import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dropPullSecrets, dropSection, setValue } from '../../../tools/app/values-edit.ts';

describe('values', () => {
  it.each([
    ['a: 1\n', 'b.c', 'a: 1\n\nb:\n  c: x\n'],
    ['', 'a.b', 'a:\n  b: x\n'],
    ['# only a comment\n', 'a', '# only a comment\na: x\n'],
    ['a:\n  b: "y" # why\n  c: 1\n', 'a.b', 'a:\n  b: "x" # why\n  c: 1\n'],
    ["a:\n  b: 'y'\n", 'a.b', "a:\n  b: 'x'\n"],
    ['a:\n    b: 1\n\n# next\nd: 1\n', 'a.c', 'a:\n    b: 1\n    c: x\n\n# next\nd: 1\n'],
    ['a:\nb: 1\n', 'a.c', 'a:\n  c: x\nb: 1\n'],
    ['a:\n  b:\n  c: 1\n', 'a.b', 'a:\n  b: x\n  c: 1\n'],
    ['a:\n  b:\n    - 1\n    - 2\n', 'a.c', 'a:\n  b:\n    - 1\n    - 2\n  c: x\n'],
    ['a: 1', 'b', 'a: 1\nb: x\n'],
    ['a: x\n', 'a', 'a: x\n'],
  ])('sets a value in %j at %s', (before, path, after) => {
    expect(setValue(before, path, 'x')).toBe(after);
  });

  it.each([
    ['a: {b: 1}\n', 'a.b', /no map with one key per line/],
    ['a: &x\n  b: 1\nc: *x\n', 'c.b', /no map/],
    ['a:\n  b: |\n    text\n', 'a.b', /written as a block/],
    ['a:\n  b: {}\n', 'a.b', /no plain value/],
    ['a: [\n', 'a', /no valid YAML/],
  ])('refuses %j at %s', (before, path, problem) => {
    expect(() => setValue(before, path, 'x')).toThrow(problem);
  });

  it('keeps values that look like numbers as texts', () => {
    const numeric = fc.oneof(
      fc.stringMatching(/^[0-9]{7}$/),
      fc.stringMatching(/^[0-9]{5}e[0-9]$/),
      fc.stringMatching(/^0[0-9]{39}$/),
      fc.constantFrom('true', 'null', '~', '1_000', '0x1f', '1.10', 'on', '12:30'),
    );
    fc.assert(
      fc.property(numeric, (value) => {
        expect(parse(setValue('image:\n  tag: latest\n', 'image.tag', value))).toEqual({ image: { tag: value } });
        expect(parse(setValue('image:\n  registry: r\n', 'image.tag', value))).toMatchObject({ image: { tag: value } });
        expect(parse(setValue('', 'image.tag', value))).toEqual({ image: { tag: value } });
      }),
      { numRuns: 40 },
    );
  });

  it('drops a section with its comment and one of the empty lines around it', () => {
    const text = 'a: 1\n\n# of ghcr\nghcrAuth:\n  b: 1\n  # inside\n\n  c: 1\n\n# of d\nd: 1\n';
    expect(dropSection(text, 'ghcrAuth')).toBe('a: 1\n\n# of d\nd: 1\n');
    expect(dropSection('ghcrAuth: {}\nd: 1\n', 'ghcrAuth')).toBe('d: 1\n');
    expect(dropSection('list:\n- a\nd: 1\n', 'list')).toBe('d: 1\n');
    expect(dropSection('d: 1\n', 'ghcrAuth')).toBe('d: 1\n');
  });

  it.each([
    ['imagePullSecrets:\n  - name: g\nb: 1\n', 'imagePullSecrets: []\nb: 1\n'],
    ['imagePullSecrets: [{name: g}]\nb: 1\n', 'imagePullSecrets: []\nb: 1\n'],
    ['imagePullSecrets:\n  - name: g\n  - name: other\n', 'imagePullSecrets:\n  - name: other\n'],
    ['global:\n  imagePullSecrets:\n    - g\n', 'global:\n  imagePullSecrets: []\n'],
    ['image:\n  pullSecret: g\n  tag: x\n', 'image:\n  tag: x\n'],
    ['a: 1\n', 'a: 1\n'],
  ])('drops a pull secret from %j', (before, after) => {
    expect(dropPullSecrets(before, ['g'])).toBe(after);
  });
});
