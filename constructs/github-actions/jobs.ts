import type { Pipeline } from '../../model/pipeline/pipeline.ts';
import type { ImageBuildStep, Step } from '../../model/pipeline/step.ts';
import { jobCondition } from './conditions.ts';

/** The steps that one job holds: one, or the members of a group that differ in their values only. */
export interface JobPlan {
  readonly id: string;
  readonly steps: readonly [Step, ...Step[]];
  readonly needs: readonly string[];
}

interface Draft {
  readonly key: string;
  readonly steps: [Step, ...Step[]];
  readonly needs: ReadonlySet<Draft>;
}

/**
 * The jobs of a pipeline, in order. Image builds of one group with the same needs, events and tags become one job with a
 * matrix: the waves of the pipeline stay what they are.
 */
export function planJobs(pipeline: Pipeline): readonly JobPlan[] {
  const drafts: Draft[] = [];
  const jobOf = new Map<Step, Draft>();
  for (const step of pipeline.ordered) {
    const needs = new Set(step.needs.map((needed) => jobOf.get(needed) as Draft));
    const key = groupKey(step, [...needs].map((draft) => drafts.indexOf(draft)).sort(), pipeline);
    const known = drafts.find((draft) => draft.key === key);
    if (known === undefined) {
      const draft: Draft = { key, steps: [step], needs };
      drafts.push(draft);
      jobOf.set(step, draft);
    } else {
      known.steps.push(step);
      jobOf.set(step, known);
    }
  }
  const ids = namesOf(drafts);
  return drafts.map((draft) => ({
    id: ids.get(draft) as string,
    steps: draft.steps,
    needs: [...draft.needs].map((needed) => ids.get(needed) as string),
  }));
}

function groupKey(step: Step, needs: readonly number[], pipeline: Pipeline): string {
  if (step.kind !== 'image-build' || step.group === undefined) {
    return `step ${step.name}`;
  }
  return JSON.stringify(['group', step.group, needs, jobCondition(step, pipeline), ...shared(step)]);
}

/** What all members of a matrix have in common. */
function shared(step: ImageBuildStep): readonly unknown[] {
  const { mayFail, timeoutMinutes, registry, tags, login, push, platforms } = step;
  return [
    mayFail,
    timeoutMinutes,
    registry,
    tags,
    login,
    push,
    platforms,
    step.cache === undefined,
    Object.keys(step.buildArguments).length,
  ];
}

function namesOf(drafts: readonly Draft[]): ReadonlyMap<Draft, string> {
  const taken = new Set(drafts.filter(({ steps }) => steps.length === 1).map(({ steps }) => steps[0].name));
  const names = new Map<Draft, string>();
  for (const draft of drafts) {
    const first = draft.steps[0];
    if (draft.steps.length === 1) {
      names.set(draft, first.name);
      continue;
    }
    const base = first.group ?? first.name;
    let name = base;
    for (let count = 2; taken.has(name); count++) {
      name = `${base}-${count}`;
    }
    taken.add(name);
    names.set(draft, name);
  }
  return names;
}
