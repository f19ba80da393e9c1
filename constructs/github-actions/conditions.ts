import { isDeepStrictEqual } from 'node:util';
import type { Pipeline } from '../../model/pipeline/pipeline.ts';
import type { Step } from '../../model/pipeline/step.ts';
import { type Trigger, triggerInWords } from '../../model/pipeline/trigger.ts';
import type { WorkflowTriggers } from './workflow.ts';

/** The events of a pipeline. */
export function workflowTriggers(triggers: readonly Trigger[]): WorkflowTriggers {
  const pushes = triggers.filter((trigger) => trigger.on === 'push');
  const tags = triggers.filter((trigger) => trigger.on === 'tag');
  const pullRequests = triggers.filter((trigger) => trigger.on === 'pull-request');
  const schedules = triggers.filter((trigger) => trigger.on === 'schedule');
  const targets = pullRequests.flatMap((trigger) => trigger.targets ?? ['**']);
  return {
    ...(pushes.length + tags.length === 0
      ? {}
      : {
          push: {
            ...(pushes.length === 0 ? {} : { branches: branchPatterns(pushes) }),
            ...(tags.length === 0 ? {} : { tags: tags.flatMap((trigger) => trigger.tags) }),
          },
        }),
    ...(pullRequests.length === 0 ? {} : { pull_request: targets.includes('**') ? {} : { branches: targets } }),
    ...(triggers.some(({ on }) => on === 'manual') ? { workflow_dispatch: {} } : {}),
    ...(schedules.length === 0 ? {} : { schedule: schedules.map(({ cron }) => ({ cron })) }),
  };
}

/** GitHub has one list of patterns for all pushes; the last that matches decides. */
function branchPatterns(pushes: readonly (Trigger & { readonly on: 'push' })[]): readonly string[] {
  const excluded = pushes.flatMap(({ exceptBranches }) => exceptBranches ?? []);
  if (excluded.length > 0 && pushes.length > 1) {
    throw new Error('GitHub Actions cannot express two push triggers of which one excludes branches; make them one');
  }
  return [...pushes.flatMap(({ branches }) => branches), ...excluded.map((branch) => `!${branch}`)];
}

/**
 * When the job of a step runs, as an expression; undefined if the triggers of the workflow say it all.
 * @throws Error for a pattern that an expression cannot match
 */
export function jobCondition(step: Step, pipeline: Pipeline): string | undefined {
  const status = { success: [], always: ['!cancelled()'], failure: ['failure()'] }[step.runsOn];
  const triggers = pipeline.triggersOf(step);
  const all = pipeline.triggers.every((trigger) => triggers.some((own) => isDeepStrictEqual(own, trigger)));
  const restricted = triggers.some(({ on, ...rest }) => on === 'manual' && 'branches' in rest);
  const events = all && !restricted ? [] : [anyOf(triggers.map((trigger) => eventCondition(trigger, pipeline)))];
  const parts = [...status, ...events];
  return parts.length === 0 ? undefined : parts.join(' && ');
}

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 1
    ? (conditions[0] as string)
    : `(${conditions.map((part) => `(${part})`).join(' || ')})`;
}

function eventCondition(trigger: Trigger, pipeline: Pipeline): string {
  switch (trigger.on) {
    case 'push':
      return [
        "github.event_name == 'push'",
        matchesRef('heads', trigger.branches, trigger, pipeline),
        ...(trigger.exceptBranches ?? []).map((branch) => `github.ref != ${quoted(`refs/heads/${branch}`)}`),
      ].join(' && ');
    case 'tag':
      return `github.event_name == 'push' && ${matchesRef('tags', trigger.tags, trigger, pipeline)}`;
    case 'pull-request':
      return [
        "github.event_name == 'pull_request'",
        ...(trigger.targets === undefined || sameAsPipeline(trigger, pipeline)
          ? []
          : [anyOf(trigger.targets.map((branch) => `github.base_ref == ${quoted(plain(branch, trigger))}`))]),
      ].join(' && ');
    case 'manual':
      return [
        "github.event_name == 'workflow_dispatch'",
        ...(trigger.branches === undefined
          ? []
          : [
              anyOf(
                trigger.branches.map((branch) => `github.ref == ${quoted(`refs/heads/${plain(branch, trigger)}`)}`),
              ),
            ]),
      ].join(' && ');
    case 'schedule':
      return `github.event_name == 'schedule' && github.event.schedule == ${quoted(trigger.cron)}`;
  }
}

function matchesRef(kind: 'heads' | 'tags', patterns: readonly string[], trigger: Trigger, pipeline: Pipeline): string {
  const sameKind = pipeline.triggers.filter(({ on }) => on === trigger.on);
  if (
    patterns.includes('**') ||
    (sameKind.length === 1 && sameAsPipeline(trigger, pipeline) && patterns.some(isGlob))
  ) {
    return `startsWith(github.ref, 'refs/${kind}/')`;
  }
  return anyOf(patterns.map((pattern) => `github.ref == ${quoted(`refs/${kind}/${plain(pattern, trigger)}`)}`));
}

function sameAsPipeline(trigger: Trigger, pipeline: Pipeline): boolean {
  return pipeline.triggers.some((candidate) => isDeepStrictEqual(candidate, trigger));
}

function isGlob(pattern: string): boolean {
  return /[*?[\]+!]/.test(pattern);
}

function plain(pattern: string, trigger: Trigger): string {
  if (isGlob(pattern)) {
    throw new Error(
      `GitHub Actions cannot express the pattern "${pattern}" of a step (${triggerInWords(trigger)}); name the branch, or give the pattern to the whole pipeline`,
    );
  }
  return pattern;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
