import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { ChartMigration, Migration } from '../../model/migration.ts';
import type { Checkout } from './repository.ts';
import { editTemplate, UnclearTemplateError } from './template-edit.ts';
import { dropPullSecrets, dropSection, setValue, UnclearValuesError } from './values-edit.ts';

/** One file that changes. */
export interface Change {
  readonly path: string;
  /** Undefined if the file is new. */
  readonly before: string | undefined;
  /** Undefined if the file goes. */
  readonly after: string | undefined;
  readonly executable: boolean;
}

/** The checkout is not one that can be changed safely; the message lists everything, with what to do. */
export class NotRecognisedError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`nothing was changed:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * What `migrate` would change in a checkout, without changing it. Empty if everything is as it should be.
 * @param rendered folder of the system in dist/, with `repo/` in it
 * @throws NotRecognisedError naming everything that stands in the way
 */
export function planMigration(checkout: Checkout, migration: Migration, rendered: string): readonly Change[] {
  const problems = [...recognitionProblems(checkout, migration)];
  if (problems.length > 0) {
    throw new NotRecognisedError(problems);
  }
  const changes = [
    ...broughtFiles(checkout, migration, rendered),
    ...removedFolders(checkout, migration),
    ...chartFiles(checkout, migration.chart, problems),
  ].filter(({ path: file, before, after, executable }) =>
    before === after ? after !== undefined && executable && !checkout.isExecutable(file) : true,
  );
  if (problems.length === 0) {
    problems.push(...leftovers(checkout, migration.chart, changes));
  }
  if (problems.length > 0) {
    throw new NotRecognisedError(problems);
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function* recognitionProblems(checkout: Checkout, { chart, refuse }: Migration): Generator<string> {
  for (const { path: file, reason } of refuse) {
    if (checkout.has(file)) {
      yield `${file} is there: ${reason}`;
    }
  }
  const values = checkout.read(`${chart.folder}/values.yaml`);
  if (!checkout.has(`${chart.folder}/Chart.yaml`) || values === undefined) {
    yield `${chart.folder} is no Helm chart (Chart.yaml and values.yaml): is this the right checkout? Else set the folder in the settings`;
    return;
  }
  if (valueAt(values, chart.knownBy) === undefined) {
    yield `${chart.folder}/values.yaml has no ${chart.knownBy}: the chart is not the one we know; set its keys in the settings`;
  }
}

function broughtFiles(checkout: Checkout, { bring }: Migration, rendered: string): readonly Change[] {
  return bring.map(({ path: file, executable }) => ({
    path: file,
    before: checkout.read(file),
    after: readFileSync(path.join(rendered, 'repo', file), 'utf8'),
    executable,
  }));
}

function removedFolders(checkout: Checkout, { remove }: Migration): readonly Change[] {
  return remove
    .flatMap((folder) => checkout.filesBelow(folder))
    .map((file) => ({ path: file, before: checkout.read(file), after: undefined, executable: false }));
}

function chartFiles(checkout: Checkout, chart: ChartMigration, problems: string[]): readonly Change[] {
  const existing = checkout.filesBelow(chart.folder).map((file) => file.slice(chart.folder.length + 1));
  const values = new Set([
    ...existing.filter((file) => /^values[^/]*\.ya?ml$/.test(file)),
    ...chart.set.map(({ file }) => file),
  ]);
  const templates = existing.filter((file) => file.startsWith('templates/'));
  const change = (file: string, edit: (before: string) => string | undefined): Change => {
    const inRepository = `${chart.folder}/${file}`;
    const before = checkout.read(inRepository);
    let after = before;
    try {
      after = edit(before ?? '');
    } catch (error) {
      if (!(error instanceof UnclearValuesError || error instanceof UnclearTemplateError)) {
        throw error;
      }
      problems.push(`${inRepository}: ${error.message}`);
    }
    return { path: inRepository, before, after, executable: false };
  };
  return [
    ...[...values].map((file) => change(file, (before) => editValues(before, file, chart))),
    ...templates.map((file) =>
      change(file, (before) => editTemplate(before, chart.dropSections, chart.dropPullSecrets)),
    ),
  ];
}

function editValues(before: string, file: string, chart: ChartMigration): string {
  let text = before;
  for (const section of chart.dropSections) {
    text = dropSection(text, section);
  }
  text = dropPullSecrets(text, chart.dropPullSecrets);
  for (const { path: key, value } of chart.set.filter((set) => set.file === file)) {
    text = setValue(text, key, value);
    if (valueAt(text, key) !== value) {
      throw new UnclearValuesError(`${key} cannot be set safely; set it to "${value}" by hand`);
    }
  }
  return text;
}

/** Words that nothing may be left of, outside of comments: else the chart would still need what was removed. */
function* leftovers(checkout: Checkout, chart: ChartMigration, changes: readonly Change[]): Generator<string> {
  const changed = new Map(changes.map((change) => [change.path, change.after]));
  const files = new Set([...checkout.filesBelow(chart.folder), ...changed.keys()]);
  for (const file of [...files].filter((name) => name.startsWith(`${chart.folder}/`)).sort()) {
    const text = changed.has(file) ? changed.get(file) : checkout.read(file);
    for (const [index, line] of (text ?? '').split('\n').entries()) {
      const word = chart.leaveNo.find((candidate) => line.replace(/(^|\s)#.*$/, '').includes(candidate));
      if (word !== undefined) {
        yield `${file}:${index + 1} still mentions ${word}: ${line.trim()}`;
      }
    }
  }
}

function valueAt(text: string, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (node, key) => (node !== null && typeof node === 'object' ? (node as Record<string, unknown>)[key] : undefined),
      parse(text),
    );
}
