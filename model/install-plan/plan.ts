import { type Problem, SettingsError } from '../problems.ts';
import {
  type InstallPhase,
  installPhases,
  installTitles,
  type TeardownPhase,
  teardownPhases,
  teardownTitles,
} from './phase.ts';
import type { Step, TeardownStep } from './step.ts';

/** What the scripts do for one system, in order. */
export interface InstallPlan {
  readonly system: string;
  readonly phases: ReadonlyArray<{ readonly phase: InstallPhase; readonly steps: readonly Step[] }>;
}

/** How the scripts take one system away again. */
export interface TeardownPlan {
  readonly system: string;
  readonly phases: ReadonlyArray<{ readonly phase: TeardownPhase; readonly steps: readonly TeardownStep[] }>;
}

/** Field separator of the plan file. */
const separator = '\t';

/**
 * The plan as the scripts read it: one step a line, `phase TAB verb TAB key=value TAB ...`. A comment line gives the title of
 * each phase. Lists are joined by commas, maps are written `key:value` and joined by commas.
 *
 * @throws SettingsError with everything that would make the file ambiguous or the order wrong
 */
export function installPlanText(plan: InstallPlan): string {
  return planText(plan, installPhases, installTitles);
}

/** @see installPlanText */
export function teardownPlanText(plan: TeardownPlan): string {
  return planText(plan, teardownPhases, teardownTitles);
}

/** The files (relative to dist/<system>/) that the steps use, in order, each once. */
export function filesOf(plan: InstallPlan | TeardownPlan): readonly string[] {
  const files = plan.phases.flatMap(({ steps }) => steps.flatMap((step: Step | TeardownStep) => filesOfStep(step)));
  return [...new Set(files)].filter((file) => !file.startsWith('cronjob/'));
}

function filesOfStep(step: Step | TeardownStep): readonly string[] {
  switch (step.verb) {
    case 'apply':
    case 'job':
    case 'await-accepted':
      return [step.path];
    case 'secret':
      return step.stateProbe ? [step.stateProbe.path] : [];
    case 'release':
      return step.values;
    case 'final-snapshot':
      return step.jobs.map((job) => job.path);
    default:
      return [];
  }
}

interface AnyPlan {
  readonly system: string;
  readonly phases: ReadonlyArray<{ readonly phase: string; readonly steps: ReadonlyArray<Step | TeardownStep> }>;
}

function planText(plan: AnyPlan, order: readonly string[], titles: Readonly<Record<string, string>>): string {
  const problems: Problem[] = [...orderProblems(plan, order)];
  const lines: string[] = [`# Rendered by \`npm run synth\`; the script runs these steps from top to bottom.`];
  for (const { phase, steps } of plan.phases) {
    lines.push(`# ${phase}: ${titles[phase] ?? phase}`);
    steps.forEach((step, index) => {
      const fields = fieldsOf(step);
      problems.push(...commaProblems(step, `${phase}[${index}]`));
      for (const field of fields) {
        if (/[\t\n\r]/.test(field)) {
          problems.push({
            path: `${phase}[${index}].${field.split('=')[0]}`,
            problem: 'holds a tab or a line break, which the plan file cannot carry',
            remedy: 'write the value on one line without tabs',
          });
        }
      }
      lines.push([phase, step.verb, ...fields].join(separator));
    });
  }
  if (problems.length > 0) throw new SettingsError(`plan of ${plan.system}`, problems);
  return `${lines.join('\n')}\n`;
}

/** Commas separate the entries of lists and maps. */
function commaProblems(step: Step | TeardownStep, where: string): Problem[] {
  return Object.entries(step).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value !== 'object' || value === null) return [];
    return Object.values(value)
      .filter((entry) => typeof entry === 'string' && entry.includes(','))
      .map((entry) => ({
        path: `${where}.${key}`,
        problem: `${JSON.stringify(entry)} holds a comma, which separates entries in the plan file`,
        remedy: 'write it without commas, or as entries of their own',
      }));
  });
}

function orderProblems(plan: AnyPlan, order: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  let last = -1;
  for (const { phase } of plan.phases) {
    const position = order.indexOf(phase);
    if (position < 0) {
      problems.push({ path: phase, problem: 'is no phase', remedy: `use one of ${order.join(', ')}` });
    } else if (position <= last) {
      problems.push({
        path: phase,
        problem: `comes after ${order[last]}`,
        remedy: `keep the order ${order.join(', ')}, each phase at most once`,
      });
    }
    last = Math.max(last, position);
  }
  return problems;
}

/** `key=value` for each property that has a value, the key in kebab case. */
function fieldsOf(step: Step | TeardownStep): string[] {
  return Object.entries(step).flatMap(([key, value]: [string, unknown]) =>
    key === 'verb' || value === undefined || (Array.isArray(value) && value.length === 0)
      ? []
      : [`${kebab(key)}=${valueText(value)}`],
  );
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(itemText).join(',');
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    // A Job is written as a list item; a map of strings as key:value.
    if ('path' in value) return itemText(value);
    return entries.map(([key, entry]) => `${key}:${entry}`).join(',');
  }
  return String(value);
}

/** A Job is `path|namespace|name|needs`; anything else is itself. */
function itemText(item: unknown): string {
  if (typeof item === 'object' && item !== null && 'path' in item) {
    const job = item as {
      readonly path: string;
      readonly namespace: string;
      readonly name: string;
      readonly needs?: string;
    };
    return [job.path, job.namespace, job.name, ...(job.needs === undefined ? [] : [job.needs])].join('|');
  }
  return String(item);
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
