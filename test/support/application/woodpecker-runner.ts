import { load } from 'js-yaml';
import type {
  WoodpeckerCondition,
  WoodpeckerFile,
  WoodpeckerStep,
} from '../../../constructs/woodpecker-pipeline/index.ts';
import { run } from '../processes.ts';

/** One run of a pipeline file. */
export interface PipelineRun {
  /** The file's text. */
  readonly file: string;
  /** The working copy. */
  readonly workspace: string;
  readonly event: 'push' | 'pull_request' | 'tag' | 'manual';
  readonly branch: string;
  readonly commit: string;
  readonly number: number;
  readonly secrets: Readonly<Record<string, string>>;
  /** Environment of every step; its PATH says what stands in for the images. */
  readonly environment: NodeJS.ProcessEnv;
  /** Stands in for plugins. @throws to fail the step */
  readonly plugin: (step: string, settings: Readonly<Record<string, unknown>>) => void;
  /** Steps whose pods are taken away before they do anything; Woodpecker reports them as a success. */
  readonly evicted?: readonly string[];
}

export interface StepResult {
  readonly name: string;
  readonly outcome: 'success' | 'failure' | 'ignored failure' | 'skipped';
  readonly log: string;
}

export interface PipelineResult {
  readonly status: 'success' | 'failure' | 'not started';
  /** In the order in which they ran; steps that do not take part are not there. */
  readonly steps: readonly StepResult[];
}

/**
 * Runs a pipeline file like Woodpecker 3.17 does: substitution before YAML, conditions, levels with barriers, and steps
 * that run after a failure only if they say so. Images do not exist: commands run in this machine's shell.
 */
export async function runPipeline(options: PipelineRun): Promise<PipelineResult> {
  const variables = variablesOf(options);
  const file = load(substitute(options.file, variables)) as WoodpeckerFile;
  if (!file.when.some((condition) => matches(condition, options))) {
    return { status: 'not started', steps: [] };
  }
  const steps = file.steps.filter(
    (step) => step.when === undefined || step.when.some((when) => matches(when, options)),
  );
  for (const step of steps) {
    resolveSecrets(step, options.secrets);
  }
  const results: StepResult[] = [];
  let failed = false;
  for (const level of levelsOf(steps, file.steps)) {
    const ran = await Promise.all(level.map((step) => runStep(step, options, variables, failed)));
    results.push(...ran);
    failed ||= ran.some(({ outcome }) => outcome === 'failure');
  }
  return { status: failed ? 'failure' : 'success', steps: results };
}

async function runStep(
  step: WoodpeckerStep,
  options: PipelineRun,
  variables: Readonly<Record<string, string>>,
  failed: boolean,
): Promise<StepResult> {
  const { name } = step;
  const statuses = step.when?.find((when) => matches(when, options))?.status ?? ['success'];
  if (!statuses.includes(failed ? 'failure' : 'success')) {
    return { name, outcome: 'skipped', log: '' };
  }
  if (options.evicted?.includes(name)) {
    return { name, outcome: 'success', log: '' };
  }
  const bad = step.failure === 'ignore' ? 'ignored failure' : 'failure';
  if (step.settings !== undefined) {
    try {
      options.plugin(name, resolveSecrets(step, options.secrets).settings ?? {});
      return { name, outcome: 'success', log: '' };
    } catch (error) {
      return { name, outcome: bad, log: (error as Error).message };
    }
  }
  const { environment = {} } = resolveSecrets(step, options.secrets);
  const script = ['set -e', ...(step.commands ?? [])].join('\n');
  const { code, stdout, stderr } = await run('sh', ['-c', script], {
    cwd: `${options.workspace}/${step.directory ?? '.'}`,
    env: { ...options.environment, ...variables, ...(environment as Record<string, string>) },
  });
  return { name, outcome: code === 0 ? 'success' : bad, log: stdout + stderr };
}

function variablesOf({ commit, branch, event, number }: PipelineRun): Readonly<Record<string, string>> {
  return {
    CI_COMMIT_SHA: commit,
    CI_COMMIT_BRANCH: branch,
    CI_COMMIT_PULL_REQUEST: event === 'pull_request' ? '12' : '',
    CI_PIPELINE_EVENT: event,
    CI_PIPELINE_NUMBER: String(number),
    CI_PIPELINE_URL: `https://stonks-ci.celestium.life/repos/1/pipeline/${number}`,
    CI_REPO: 'stonks/stonks-oracle',
  };
}

/** What the server does with the text before it reads YAML: `$$` becomes `$`, unknown names become empty. */
export function substitute(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\$|\$\{(\w+)(?::(\d+):(\d+))?\}/g,
    (whole, name?: string, from?: string, length?: string) => {
      if (whole === '$$' || name === undefined) {
        return '$';
      }
      const value = variables[name] ?? '';
      return from === undefined ? value : value.slice(Number(from), Number(from) + Number(length));
    },
  );
}

function matches({ event, branch }: WoodpeckerCondition, options: PipelineRun): boolean {
  const { include, exclude = [] } =
    typeof branch === 'object' && 'include' in branch
      ? branch
      : { include: branch === undefined ? undefined : [branch].flat() };
  return event === options.event && (include?.includes(options.branch) ?? true) && !exclude.includes(options.branch);
}

function levelsOf(steps: readonly WoodpeckerStep[], all: readonly WoodpeckerStep[]): readonly WoodpeckerStep[][] {
  const level = new Map<string, number>();
  const levels: WoodpeckerStep[][] = [];
  for (const step of steps) {
    for (const needed of step.depends_on ?? []) {
      if (!level.has(needed)) {
        const known = all.some(({ name }) => name === needed);
        throw new Error(
          `step "${step.name}" depends on "${needed}", which ${known ? 'was filtered out' : 'does not exist'}`,
        );
      }
    }
    const own = Math.max(-1, ...(step.depends_on ?? []).map((needed) => level.get(needed) ?? 0)) + 1;
    level.set(step.name, own);
    levels[own] ??= [];
    levels[own].push(step);
  }
  return levels;
}

/** A secret that does not exist ends the whole pipeline before its first step. */
function resolveSecrets(step: WoodpeckerStep, secrets: Readonly<Record<string, string>>): WoodpeckerStep {
  const resolve = (values: Readonly<Record<string, unknown>> | undefined) =>
    values === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(values).map(([name, value]) => {
            if (value === null || typeof value !== 'object' || !('from_secret' in value)) {
              return [name, value];
            }
            const secret = secrets[String(value.from_secret)];
            if (secret === undefined) {
              throw new Error(`secret "${value.from_secret}" not found`);
            }
            return [name, secret];
          }),
        );
  return {
    ...step,
    ...(step.environment === undefined
      ? {}
      : { environment: resolve(step.environment) as WoodpeckerStep['environment'] }),
    ...(step.settings === undefined ? {} : { settings: resolve(step.settings) as WoodpeckerStep['settings'] }),
  };
}
