import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** What each layer may import of the repository's own code (docs/architecture.md). */
const allowed: Readonly<Record<string, readonly string[]>> = {
  model: ['model'],
  constructs: ['constructs', 'model', 'imports'],
  runtime: ['runtime', 'model'],
  systems: ['systems', 'constructs', 'model', 'imports'],
};

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s+'(\.[^']+)'/g)].map((match) =>
    path.normalize(path.join(path.dirname(file), match[1] ?? '')),
  );
}

test.each(Object.entries(allowed))('%s imports only what it may', (layer, layers) => {
  const files = sources(layer);
  expect(files.length).toBeGreaterThan(5);
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !layers.includes(imported.split(path.sep)[0] ?? ''))
      .map((imported) => `${file} imports ${imported}`),
  );
  expect(wrong).toEqual([]);
});

test('no construct and no model names a system', () => {
  const named = [...sources('constructs'), ...sources('model')].filter((file) =>
    /\b(stonks-oracle|aegis-trader|ftmo-trading|luban-ci)['"`]/.test(
      readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
    ),
  );
  expect(named).toEqual([]);
});

test('no environment variable is read below main.ts', () => {
  const reading = [...sources('constructs'), ...sources('model'), ...sources('systems')].filter((file) =>
    readFileSync(file, 'utf8').includes('process.env'),
  );
  expect(reading).toEqual([]);
});
