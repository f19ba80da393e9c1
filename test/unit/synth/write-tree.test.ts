import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { filesBelow, writeTree } from '../../../tools/write-tree.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tree-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string, executable = false) => ({ path: name, content, executable });

test('writes what is new, leaves alone what is right, removes what is stale', () => {
  writeTree(folder, [file('a.yaml', 'a'), file('deep/b.yaml', 'b'), file('deep/c.yaml', 'c')]);
  const untouched = statSync(path.join(folder, 'a.yaml')).mtimeMs;
  const change = writeTree(folder, [file('a.yaml', 'a'), file('other/d.yaml', 'd'), file('deep/b.yaml', 'new')]);
  expect(change).toEqual({ written: ['other/d.yaml', 'deep/b.yaml'], removed: ['deep/c.yaml'] });
  expect(filesBelow(folder)).toEqual(['a.yaml', 'deep/b.yaml', 'other/d.yaml']);
  expect(readFileSync(path.join(folder, 'deep/b.yaml'), 'utf8')).toBe('new');
  expect(statSync(path.join(folder, 'a.yaml')).mtimeMs).toBe(untouched);
});

test('folders that hold nothing any more go too', () => {
  writeTree(folder, [file('only/one/file', 'x'), file('kept', 'y')]);
  writeTree(folder, [file('kept', 'y')]);
  expect(existsSync(path.join(folder, 'only'))).toBe(false);
});

test('scripts are executable, and become so when only that changed', () => {
  writeTree(folder, [file('run.sh', '#!/bin/sh\n')]);
  expect(statSync(path.join(folder, 'run.sh')).mode & 0o111).toBe(0);
  expect(writeTree(folder, [file('run.sh', '#!/bin/sh\n', true)]).written).toEqual(['run.sh']);
  expect(statSync(path.join(folder, 'run.sh')).mode & 0o100).toBe(0o100);
});

test('a file that a killed run left beside its target is cleared away', () => {
  mkdirSync(path.join(folder, 'deep'));
  writeFileSync(path.join(folder, 'deep/b.yaml.new-123'), 'half');
  writeTree(folder, [file('deep/b.yaml', 'b')]);
  expect(filesBelow(folder)).toEqual(['deep/b.yaml']);
});
