import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { EvidenceConfiguration } from '../../model/evidence.ts';
import { type StatusState, setStatus, storePackage } from './forge.ts';
import { missingImages } from './registry.ts';
import { judge, type Verdict } from './results.ts';

/** What the program finds in its environment. */
export interface EvidenceInput {
  readonly configuration: EvidenceConfiguration;
  /** Root of the working copy. */
  readonly folder: string;
  readonly commit: string;
  readonly repository: string;
  readonly runNumber: string;
  readonly runUrl: string;
  readonly token: string;
  readonly registryLogin?: { readonly user: string; readonly password: string };
  /** File for a summary in Markdown, if the engine shows one. */
  readonly summaryFile?: string;
  /** File for values that later steps read, if the engine has one: `name=value`, one a line. */
  readonly outputFile?: string;
  readonly print: (line: string) => void;
}

/** Takes back what an earlier run of the same commit may have said, before anything of it is replaced. */
export async function announce(input: EvidenceInput): Promise<void> {
  for (const context of contexts(input)) {
    await status(input, 'pending', `run ${input.runNumber} has not ended yet`, input.runUrl, context);
    input.print(`${context}: pending`);
  }
}

function contexts({ configuration: { context, builtContext } }: EvidenceInput): readonly string[] {
  return builtContext === undefined ? [context] : [builtContext, context];
}

/**
 * Records that every image of the commit is pushed: the tag for later steps, a line in the summary, and the status.
 * @throws Error if no status is configured for it, or the forge could not be told
 */
export async function built(input: EvidenceInput): Promise<void> {
  const { configuration, commit, outputFile, summaryFile, print } = input;
  const context = configuration.builtContext;
  if (context === undefined) {
    throw new Error('evidence.json names no builtContext');
  }
  if (outputFile !== undefined) {
    await appendFile(outputFile, `image_tag=${commit}\n`);
  }
  if (summaryFile !== undefined) {
    await appendFile(summaryFile, `### Images\n\nImage tag: \`${commit}\`\n`);
  }
  await status(input, 'success', `every image is pushed as ${commit.slice(0, 12)}`, input.runUrl, context);
  print(`${context}: success (image tag ${commit})`);
}

/**
 * Judges the results, shows and stores them and sets the status; success is the very last request, so that an
 * interruption at any moment leaves no success behind.
 * @returns true if the commit may be promoted
 * @throws Error if the forge could not be told
 */
export async function publish(input: EvidenceInput): Promise<boolean> {
  const { configuration, print } = input;
  const { results: format, context } = configuration;
  const [results, outcome] = await Promise.all([read(input, format.file), read(input, format.outcomeFile)]);
  let verdict = judge(results, outcome, format, { commit: input.commit, number: input.runNumber });
  if (verdict.success) {
    verdict = await withImages(input, verdict);
  }
  await show(input, verdict, results);

  let target = input.runUrl;
  if (results !== undefined && configuration.package !== undefined) {
    try {
      const version = `${input.commit}-${input.runNumber}`;
      target = await storePackage(configuration.package, version, format.file, results, input.token, configuration);
      print(`stored: ${target}`);
    } catch (error) {
      verdict = failed((error as Error).message, verdict);
      print(verdict.reason);
    }
  }
  await status(input, verdict.success ? 'success' : 'failure', verdict.reason, target);
  print(`${context}: ${verdict.success ? 'success' : 'failure'} (${verdict.reason})`);
  return verdict.success;
}

/** Some engines report a build whose pod was taken away as a success; then the test ran against nothing. */
async function withImages(input: EvidenceInput, verdict: Verdict): Promise<Verdict> {
  const { configuration, commit, registryLogin } = input;
  try {
    const missing = await missingImages(configuration.manifests, commit, registryLogin, configuration);
    return missing.length === 0 ? verdict : failed(`the registry has no image of ${missing.join(', ')}`, verdict);
  } catch (error) {
    return failed((error as Error).message, verdict);
  }
}

function failed(reason: string, { counts }: Verdict): Verdict {
  return { success: false, reason, counts };
}

async function show(input: EvidenceInput, verdict: Verdict, results: string | undefined): Promise<void> {
  const { counts } = verdict;
  const rows: readonly (readonly [string, string])[] = [
    ['commit', input.commit],
    ['total', String(counts?.total ?? '-')],
    ['passed', String(counts?.passed ?? '-')],
    ['failed', String(counts?.failed ?? '-')],
    ['result', `${verdict.success ? 'success' : 'failure'}: ${verdict.reason}`],
  ];
  for (const [name, value] of rows) {
    input.print(`${name.padEnd(8)}${value}`);
  }
  if (results !== undefined) {
    input.print(results.trim().replaceAll(/\s*\n\s*/g, ' '));
  }
  if (input.summaryFile !== undefined) {
    const table = ['### Integration test', '', '| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)];
    await appendFile(input.summaryFile, `${table.join('\n')}\n`);
  }
}

async function status(
  input: EvidenceInput,
  state: StatusState,
  description: string,
  target: string,
  context: string = input.configuration.context,
): Promise<void> {
  const { configuration, commit, repository, token } = input;
  const { kind, api } = configuration.forge;
  await setStatus({ api, kind, repository, commit, token, context, state, description, target }, configuration);
}

async function read(input: EvidenceInput, file: string): Promise<string | undefined> {
  try {
    return await readFile(path.join(input.folder, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
