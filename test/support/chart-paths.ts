import { readFileSync } from 'node:fs';
import { type HelmValues, valuePaths } from '../../constructs/helm-release/index.ts';

/** Paths of some values that a chart does not know, by the list that tools/chart-paths.ts recorded of it. */
export function unknownPaths(chart: string, values: HelmValues): readonly string[] {
  const file = new URL(`../fixtures/charts/${chart}.txt`, import.meta.url);
  const known = readFileSync(file, 'utf8').trim().split('\n');
  if (known.length < 100) throw new Error(`${chart}.txt holds ${known.length} paths only; record it again`);
  const exact = new Set(known);
  const open = known.filter((path) => path.endsWith('.*')).map((path) => path.slice(0, -2));
  return valuePaths(values).filter(
    (path) => !exact.has(path) && !open.some((prefix) => path === prefix || path.startsWith(`${prefix}.`)),
  );
}
