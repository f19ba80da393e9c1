import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { systems } from '../../systems/index.ts';
import { filesBelow } from '../../tools/write-tree.ts';
import { renderedFiles } from '../support/rendered.ts';

/** dist/ is the snapshot of every rendered file: a change shows in review as a change of dist/. */
describe.each(systems.map((system) => system.name))('dist/%s', (name) => {
  const folder = path.join('dist', name);
  const files = renderedFiles(name);

  test('holds exactly the files that are rendered', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(filesBelow(folder)).toEqual(files.map((file) => file.path).sort());
  });

  test.each(files.map((file) => [file.path, file] as const))('%s is as rendered', (_path, file) => {
    const target = path.join(folder, file.path);
    expect(readFileSync(target, 'utf8')).toBe(file.content);
    expect((statSync(target).mode & 0o100) !== 0).toBe(file.executable);
  });
});

test('dist/ holds nothing but systems', () => {
  expect([...new Set(filesBelow('dist').map((file) => file.split('/')[0]))].sort()).toEqual(
    systems.map((system) => system.name).sort(),
  );
});
