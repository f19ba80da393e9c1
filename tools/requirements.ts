// Writes docs/requirements.md from docs/requirements/*: npm run requirements [-- --check]
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { z } from 'zod';

const folder = 'docs/requirements';

const criterionList = z.array(z.strictObject({ id: z.string(), text: z.string() }));
const entryList = z.array(
  z.strictObject({
    criterion: z.string(),
    code: z.array(z.string()).optional(),
    tests: z.array(z.strictObject({ file: z.string(), name: z.string() })).optional(),
    exception: z.string().optional(),
  }),
);
type Entry = z.output<typeof entryList>[number];

const problems: string[] = [];
const sources = new Map<string, string>();

function sourceOf(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const known = sources.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(file, 'utf8');
  sources.set(file, text);
  return text;
}

/** The literal parts of a title survive in the source, also where a table fills in the rest. */
function hasTest(file: string, name: string): boolean {
  const text = sourceOf(file);
  return text !== undefined && [name, name.replaceAll("'", "\\'")].some((title) => text.includes(title));
}

function check(entry: Entry, where: string): void {
  for (const file of entry.code ?? []) {
    if (!existsSync(file)) problems.push(`${where}: ${entry.criterion}: ${file} does not exist`);
  }
  for (const test of entry.tests ?? []) {
    if (!hasTest(test.file, test.name))
      problems.push(`${where}: ${entry.criterion}: no test "${test.name}" in ${test.file}`);
  }
  if (!entry.exception && ((entry.tests ?? []).length === 0 || (entry.code ?? []).length === 0)) {
    problems.push(`${where}: ${entry.criterion}: name code and a test, or an exception with its reason`);
  }
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

let open = 0;
const sections = readdirSync(folder)
  .filter((name) => /^\d{3}\.yaml$/.test(name))
  .sort()
  .map((name) => {
    const number = name.slice(0, 3);
    const criteria = criterionList.parse(load(readFileSync(path.join(folder, name), 'utf8')));
    const entries = new Map<string, Entry[]>();
    const parts = path.join(folder, `${number}.d`);
    for (const file of existsSync(parts)
      ? readdirSync(parts)
          .filter((f) => f.endsWith('.yaml'))
          .sort()
      : []) {
      const where = path.join(parts, file);
      for (const entry of entryList.parse(load(readFileSync(where, 'utf8')) ?? [])) {
        if (!criteria.some((criterion) => criterion.id === entry.criterion))
          problems.push(`${where}: no criterion is called ${entry.criterion}`);
        check(entry, where);
        entries.set(entry.criterion, [...(entries.get(entry.criterion) ?? []), entry]);
      }
    }
    const rows = criteria.map(({ id, text }) => {
      const found = entries.get(id) ?? [];
      if (found.length === 0) {
        open++;
        return `| ${id} | ${cell(text)} | open | |`;
      }
      const code = [...new Set(found.flatMap((entry) => entry.code ?? []))].map((file) => `\`${file}\``).join(', ');
      const tests = found.flatMap((entry) => entry.tests ?? []).map((test) => `${cell(test.name)} (\`${test.file}\`)`);
      const exceptions = found.flatMap((entry) => (entry.exception ? [`exception: ${cell(entry.exception)}`] : []));
      return `| ${id} | ${cell(text)} | ${code} | ${[...new Set([...tests, ...exceptions])].join('; ')} |`;
    });
    return `## Requirements ${number}\n\n| criterion | text | code | test |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });

const text = `# Requirements and where they are met\n\nWritten by \`npm run requirements\` from \`${folder}/\`. A criterion without code and test is "open"; a test that disappears fails the build.\n\n${sections.join('\n')}`;
const target = 'docs/requirements.md';
if (process.argv.includes('--check')) {
  if (sourceOf(target) !== text) problems.push(`${target} is not up to date; run \`npm run requirements\``);
} else {
  writeFileSync(target, text);
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
console.log(`${sections.length} requirement texts, ${open} criteria open, ${problems.length} problems`);
