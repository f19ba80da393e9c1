import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDeskPath, longestTarget, parseTarget } from '../../../runtime/desk/server/request-target.ts';

test.each([
  ['/', '/', ''],
  ['/project/stonks-pipeline', '/project/stonks-pipeline', ''],
  ['/desk/history?stage=live&text=%F0%9F%9A%80', '/desk/history', '?stage=live&text=%F0%9F%9A%80'],
  ['/v1beta1/projects/a%20b?x=/../y', '/v1beta1/projects/a%20b', '?x=/../y'],
])('%s is understood', (target, path, query) => {
  expect(parseTarget(target)).toEqual({ path, query });
});

test.each([
  ['absolute form', 'http://other.example.org/desk/'],
  ['authority form', 'other.example.org:443'],
  ['asterisk form', '*'],
  ['two slashes at the start', '//other.example.org/'],
  ['dot segment', '/desk/assets/../../etc/passwd'],
  ['dot segment at the end', '/desk/..'],
  ['single dot', '/desk/./api'],
  ['encoded dots', '/desk/%2e%2e/v1beta1'],
  ['half encoded dots', '/desk/.%2E/v1beta1'],
  ['encoded slash', '/desk%2fapi'],
  ['backslash', '/desk\\..\\v1beta1'],
  ['encoded backslash', '/desk%5c..%5cv1beta1'],
  ['NUL', '/desk/%00'],
  ['line break', '/desk/%0d%0aX-Evil:1'],
  ['broken percent-encoding', '/desk/%zz'],
  ['fragment', '/desk/#x'],
  ['a raw non-ASCII character', '/desk/é'],
  ['too long', `/${'a'.repeat(longestTarget)}`],
])('refused: %s', (_, target) => {
  expect(parseTarget(target)).toBeUndefined();
});

test('what is understood never climbs out of its place, however it is decoded', () => {
  const piece = fc.constantFrom(
    '.',
    '..',
    '/',
    '%2e',
    '%2E',
    '%2f',
    '\\',
    '%5C',
    'desk',
    'api',
    '%',
    '%00',
    '#',
    '?',
    'a',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const target = parseTarget(`/${pieces.join('')}`);
      if (!target) return;
      const decoded = decodeURIComponent(target.path);
      expect(decoded.split(/[/\\]/)).not.toContain('..');
      expect(new URL(`http://desk.example.org${target.path}`).pathname).toBe(target.path);
    }),
    { numRuns: 2000 },
  );
});

test.each(['/desk', '/desk/', '/DESK/api', '/%64esk/api', '/desk/api/state'])('%s is the desk', (path) => {
  expect(isDeskPath(path)).toBe(true);
});

test.each(['/', '/desks', '/project/desk', '/v1beta1/desk/'])('%s is Kargo', (path) => {
  expect(isDeskPath(path)).toBe(false);
});
