import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

/**
 * Lists the paths of a Helm chart's values, one a line, for test/fixtures/charts. A path that ends in `.*` takes any keys:
 * the chart's own value is an empty map or nothing, or it is named by --open.
 *
 *     node tools/run.mjs tools/chart-paths.ts VALUES_FILE [--open PATH]...
 */
function paths(value: unknown, open: ReadonlySet<string>, prefix = ''): string[] {
  if (open.has(prefix) || value === null || (isMap(value) && Object.keys(value).length === 0)) return [`${prefix}.*`];
  if (!isMap(value)) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = key.includes('.') ? JSON.stringify(key) : key;
    return paths(inner, open, prefix === '' ? name : `${prefix}.${name}`);
  });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) throw new Error('name the values.yaml of a chart');
const open = new Set(rest.filter((argument) => argument !== '--open'));
process.stdout.write(
  `${paths(load(readFileSync(file, 'utf8')), open)
    .sort()
    .join('\n')}\n`,
);
