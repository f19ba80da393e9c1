import type { PipelineSecret, Step } from './step.ts';
import { isCovered, type Trigger, triggerInWords } from './trigger.ts';

export interface PipelineProps {
  /** Events that start it; at least one. */
  readonly triggers: readonly Trigger[];
  /** All of its steps, in the order in which they are written down. */
  readonly steps: readonly Step[];
  /**
   * What happens if it is started while an earlier run of the same branch goes on.
   * - `queue`: the later run waits; a running one is never cancelled
   * - `cancel`: the earlier run is cancelled
   * @default both run side by side
   */
  readonly whenRunning?: 'queue' | 'cancel';
}

/**
 * A pipeline for any CI engine: steps that refer to one another. It is complete once made; renderers only read it.
 * @throws Error with every problem: names that stand there twice, needs outside the pipeline, circles, steps that run
 * on events on which something they need does not run
 */
export class Pipeline {
  readonly name: string;
  readonly triggers: readonly Trigger[];
  readonly steps: readonly Step[];
  readonly whenRunning: 'queue' | 'cancel' | undefined;
  /** The steps so that each comes after everything it needs; otherwise in the order in which they are written down. */
  readonly ordered: readonly Step[];

  constructor(name: string, props: PipelineProps) {
    this.name = name;
    this.triggers = props.triggers;
    this.steps = props.steps;
    this.whenRunning = props.whenRunning;
    const problems = [...problemsOfPipeline(this)];
    if (problems.length > 0) {
      throw new Error(`pipeline "${name}": ${problems.join('; ')}`);
    }
    this.ordered = topologicalOrder(this.steps, name);
  }

  /** Events on which a step runs. */
  triggersOf(step: Step): readonly Trigger[] {
    return step.when ?? this.triggers;
  }

  /** Every step that must be over before this one, directly or not. */
  everythingBefore(step: Step): ReadonlySet<Step> {
    const before = new Set<Step>();
    const visit = (current: Step): void => {
      for (const needed of current.needs) {
        if (!before.has(needed)) {
          before.add(needed);
          visit(needed);
        }
      }
    };
    visit(step);
    return before;
  }

  /** The steps by distance from the start: those of one level need nothing of their own level. */
  levels(): readonly (readonly Step[])[] {
    const level = new Map<Step, number>();
    const levels: Step[][] = [];
    for (const step of this.ordered) {
      const own = Math.max(-1, ...step.needs.map((needed) => level.get(needed) ?? 0)) + 1;
      level.set(step, own);
      levels[own] ??= [];
      levels[own].push(step);
    }
    return levels;
  }

  /** All secrets that the steps use, each once, by name. */
  secrets(): readonly PipelineSecret[] {
    const byName = new Map<string, PipelineSecret>();
    for (const step of this.steps) {
      for (const secret of secretsOf(step)) {
        byName.set(secret.name, secret);
      }
    }
    return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** The secrets of one step. */
export function secretsOf(step: Step): readonly PipelineSecret[] {
  if (step.kind === 'commands') {
    return Object.values(step.secrets);
  }
  return step.login === undefined ? [] : [step.login.user, step.login.password];
}

function* problemsOfPipeline(pipeline: Pipeline): Generator<string> {
  if (pipeline.triggers.length === 0) {
    yield 'it has no trigger, so it would never run';
  }
  if (pipeline.steps.length === 0) {
    yield 'it has no steps';
  }
  const names = new Set<string>();
  for (const step of pipeline.steps) {
    if (names.has(step.name)) {
      yield `two steps are called "${step.name}"`;
    }
    names.add(step.name);
    for (const trigger of pipeline.triggersOf(step)) {
      if (!isCovered(trigger, pipeline.triggers)) {
        yield `step "${step.name}" waits for ${triggerInWords(trigger)}, which does not start the pipeline`;
      }
    }
    for (const needed of step.needs) {
      if (!pipeline.steps.includes(needed)) {
        yield `step "${step.name}" needs "${needed.name}", which is not part of the pipeline`;
        continue;
      }
      const missing = pipeline.triggersOf(step).find((own) => !isCovered(own, pipeline.triggersOf(needed)));
      if (missing !== undefined) {
        yield `step "${step.name}" runs on ${triggerInWords(missing)}, but "${needed.name}", which it needs, does not`;
      }
    }
  }
}

function topologicalOrder(steps: readonly Step[], pipeline: string): readonly Step[] {
  const ordered: Step[] = [];
  const done = new Set<Step>();
  const path: Step[] = [];
  const visit = (step: Step): void => {
    if (done.has(step)) {
      return;
    }
    if (path.includes(step)) {
      const circle = [...path.slice(path.indexOf(step)), step].map((member) => member.name);
      throw new Error(`pipeline "${pipeline}": steps wait for each other: ${circle.join(' -> ')}`);
    }
    path.push(step);
    for (const needed of step.needs) {
      visit(needed);
    }
    path.pop();
    done.add(step);
    ordered.push(step);
  };
  for (const step of steps) {
    visit(step);
  }
  return ordered;
}
