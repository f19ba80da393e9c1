import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Job, RunStep, Workflow, WorkflowStep } from '../../../constructs/github-actions/index.ts';
import { type Finished, run } from '../processes.ts';

/** Values of a run, by their path in expressions: `github.sha`, `matrix.service`, `steps.tags.outputs.deploy`. */
export type Context = Readonly<Record<string, string>>;

/** The context of an event, as GitHub gives it. */
export function eventContext(
  event:
    | { readonly push: string; readonly sha: string }
    | { readonly tag: string; readonly sha: string }
    | { readonly pullRequest: number; readonly sha: string },
): Context {
  if ('push' in event) {
    return {
      'github.event_name': 'push',
      'github.ref_type': 'branch',
      'github.ref_name': event.push,
      'github.ref': `refs/heads/${event.push}`,
      'github.sha': event.sha,
    };
  }
  if ('tag' in event) {
    return {
      'github.event_name': 'push',
      'github.ref_type': 'tag',
      'github.ref_name': event.tag,
      'github.ref': `refs/tags/${event.tag}`,
      'github.sha': event.sha,
    };
  }
  return {
    'github.event_name': 'pull_request',
    'github.ref_type': 'branch',
    'github.ref_name': `${event.pullRequest}/merge`,
    'github.ref': `refs/pull/${event.pullRequest}/merge`,
    // GitHub's own merge of the two branches.
    'github.sha': 'f'.repeat(40),
    'github.event.pull_request.head.sha': event.sha,
    'github.event.pull_request.number': String(event.pullRequest),
  };
}

/** Text with its expressions evaluated; knows the kinds that the systems use. */
export function evaluate(text: string, context: Context): string {
  return text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => operand(expression, context));
}

function operand(expression: string, context: Context): string {
  const format = /^format\(([^,]+), ([^,]+)\)$/.exec(expression);
  if (format) {
    return operand(format[1] ?? '', context).replaceAll('{0}', operand(format[2] ?? '', context));
  }
  const literal = /^'(.*)'$/.exec(expression);
  if (literal) {
    return literal[1] ?? '';
  }
  if (!/^[\w.-]+( \|\| [\w.'-]+)*$/.test(expression)) {
    throw new Error(`the test cannot evaluate ${expression}`);
  }
  return expression
    .split(' || ')
    .map((name) => context[name] ?? '')
    .find((value, index, all) => value !== '' || index === all.length - 1) as string;
}

/** A step of a job by its name or id. */
export function stepOf(job: Job | undefined, name: string): WorkflowStep {
  const step = job?.steps.find((candidate) => candidate.name === name || candidate.id === name);
  if (!step) throw new Error(`no step is called ${name}; there are ${job?.steps.map((s) => s.name).join(', ')}`);
  return step;
}

/** A step of shell. */
export function runStepOf(job: Job | undefined, name: string): RunStep {
  const step = stepOf(job, name);
  if (!('run' in step)) throw new Error(`${name} is no step of shell`);
  return step;
}

export interface StepResult extends Finished {
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** Runs a step of shell in a folder as a runner does. */
export async function runStep(
  step: RunStep,
  folder: string,
  context: Context,
  more: NodeJS.ProcessEnv = {},
): Promise<StepResult> {
  const files = { output: path.join(folder, '.output'), summary: path.join(folder, '.summary') };
  for (const file of Object.values(files)) writeFileSync(file, '');
  const own = Object.fromEntries(
    Object.entries(step.env ?? {}).map(([name, value]) => [name, evaluate(value, context)]),
  );
  const finished = await run(step.shell ?? 'bash', ['-e', '-c', evaluate(step.run, context)], {
    cwd: path.join(folder, step['working-directory'] ?? '.'),
    env: {
      ...process.env,
      GITHUB_OUTPUT: files.output,
      GITHUB_STEP_SUMMARY: files.summary,
      GITHUB_ENV: path.join(folder, '.env'),
      GITHUB_WORKSPACE: folder,
      RUNNER_TEMP: folder,
      ...more,
      ...own,
    },
  });
  return {
    ...finished,
    outputs: outputsOf(readFileSync(files.output, 'utf8')),
    summary: readFileSync(files.summary, 'utf8'),
  };
}

function outputsOf(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const block = /^([\w-]+)<<(.+)$/.exec(line);
    if (block) {
      const end = lines.indexOf(block[2] ?? '', index + 1);
      outputs[block[1] ?? ''] = lines.slice(index + 1, end).join('\n');
      index = end;
    } else if (line.includes('=')) {
      outputs[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
    }
  }
  return outputs;
}

/** All steps of a workflow. */
export function allSteps(workflow: Workflow): readonly WorkflowStep[] {
  return Object.values(workflow.jobs).flatMap((job) => job.steps);
}

/** All shell text of a workflow. */
export function allCommands(workflow: Workflow): string {
  return allSteps(workflow)
    .flatMap((step) => ('run' in step ? [step.run] : []))
    .join('\n');
}

/** The tags that one member of a matrix is pushed with on an event, and the outputs of the step that works them out. */
export async function pushedReferences(
  job: Job | undefined,
  member: Readonly<Record<string, string>>,
  event: Context,
  folder: string,
): Promise<{ readonly references: readonly string[]; readonly deploy: string }> {
  const step = runStepOf(job, 'tags');
  const { outputs, code, stderr } = await runStep(step, folder, event);
  if (code !== 0) throw new Error(stderr);
  const context = {
    ...event,
    ...Object.fromEntries(Object.entries(outputs).map(([name, value]) => [`steps.tags.outputs.${name}`, value])),
    ...Object.fromEntries(Object.entries(member).map(([name, value]) => [`matrix.${name}`, value])),
  };
  const push = stepOf(job, 'Build and push');
  const tags = 'with' in push ? String(push.with?.['tags']) : '';
  return { references: evaluate(tags, context).split('\n'), deploy: outputs['deploy'] ?? '' };
}
