import type { Gate } from './gate/gate.ts';
import type { Problem } from './problems.ts';

/**
 * What a stage does with a build.
 *
 * - `ci`: waits for the evidence of the pipeline that built the image; deploys nothing.
 * - `integration-test`: waits for the evidence of a separate integration test; deploys nothing.
 * - `deploy`: commits the tag to the branch of the stage and lets Argo CD sync one namespace.
 */
export type StageKind = 'ci' | 'integration-test' | 'deploy';

/**
 * One step of the way from a build to production. The order of stages is the order of the list they stand in.
 */
export interface Stage {
  /** Name of the stage, a DNS label; also the name of its branch `stage/<name>`. R20.1 */
  readonly name: string;
  /** Off: the stage stays rendered, is bypassed by the stages after it and refuses promotions. R20.1, R20.2 */
  readonly enabled: boolean;
  /** What the stage does. */
  readonly kind: StageKind;
  /** Namespace the stage deploys to; only for `deploy`. R15.1, R16.1, R17.1 */
  readonly namespace?: string;
  /** Whether new builds enter by themselves or by a person's hand. R15.1, R17.1 */
  readonly promotion: 'automatic' | 'manual';
  /** What a promotion into this stage has to satisfy. R16.3, R17.1, R18.1 */
  readonly gate?: Gate;
}

/** Where a stage takes its builds from: another stage, or the registry itself. */
export type Upstream = { readonly from: 'registry' } | { readonly from: 'stage'; readonly stage: Stage };

/** One edge of the chain of enabled stages. */
export interface ChainLink {
  readonly upstream: Upstream;
  readonly stage: Stage;
}

/** The stages that take part in promotions, in order. */
export function enabledStages(stages: readonly Stage[]): readonly Stage[] {
  return stages.filter((stage) => stage.enabled);
}

/**
 * The nearest enabled stage before `name`, or the registry when there is none. A disabled stage has an upstream as
 * well: it stays rendered, and takes its place again when it is switched on.
 *
 * @throws RangeError when no stage has that name.
 */
export function upstreamOf(stages: readonly Stage[], name: string): Upstream {
  const position = positionOf(stages, name);
  const stage = stages.slice(0, position).findLast((candidate) => candidate.enabled);
  return stage === undefined ? { from: 'registry' } : { from: 'stage', stage };
}

/**
 * The enabled stage that takes its builds from `name`, or undefined for the last one. A disabled stage has none.
 *
 * @throws RangeError when no stage has that name.
 */
export function downstreamOf(stages: readonly Stage[], name: string): Stage | undefined {
  const position = positionOf(stages, name);
  if (stages[position]?.enabled !== true) {
    return undefined;
  }
  return stages.slice(position + 1).find((candidate) => candidate.enabled);
}

/** The way of a build through the enabled stages, first edge from the registry. R20.2 */
export function stageChain(stages: readonly Stage[]): readonly ChainLink[] {
  return enabledStages(stages).map((stage) => ({ upstream: upstreamOf(stages, stage.name), stage }));
}

/**
 * The disabled evidence stages before `name`: evidence nobody waits for on the way to this stage. Switching such a
 * stage off means that its evidence is waived, and every view says so. R15.3, R20.2
 *
 * @throws RangeError when no stage has that name.
 */
export function evidenceWaived(stages: readonly Stage[], name: string): readonly Stage[] {
  return stages.slice(0, positionOf(stages, name)).filter((stage) => stage.kind !== 'deploy' && !stage.enabled);
}

/** Everything that is wrong with a list of stages, with paths below `stages`; a check for `parseSettings`. */
export function stageProblems(stages: readonly Stage[]): readonly Problem[] {
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  const namespaces = new Map<string, string>();
  stages.forEach((stage, index) => {
    const path = `stages.${index}`;
    const earlier = names.get(stage.name);
    if (earlier !== undefined) {
      problems.push({
        path: `${path}.name`,
        problem: `stage ${stage.name} is already stages.${earlier}`,
        remedy: 'give every stage a name of its own',
      });
    }
    names.set(stage.name, earlier ?? index);
    if (stage.kind === 'deploy') {
      const namespace = stage.namespace;
      if (namespace === undefined) {
        problems.push({
          path: `${path}.namespace`,
          problem: `stage ${stage.name} deploys, but to no namespace`,
          remedy: 'name the namespace that the stage deploys to',
        });
      } else {
        const owner = namespaces.get(namespace);
        if (owner !== undefined) {
          problems.push({
            path: `${path}.namespace`,
            problem: `stage ${stage.name} deploys to ${namespace}, and so does stage ${owner}`,
            remedy: 'give every deploying stage a namespace of its own',
          });
        }
        namespaces.set(namespace, owner ?? stage.name);
      }
    } else {
      if (stage.namespace !== undefined) {
        problems.push({
          path: `${path}.namespace`,
          problem: `stage ${stage.name} deploys nothing, yet has a namespace`,
          remedy: 'remove the namespace, or make the stage a deploy stage',
        });
      }
      if (stages.slice(0, index).some((before) => before.kind === 'deploy')) {
        problems.push({
          path: `${path}.kind`,
          problem: `stage ${stage.name} waits for evidence after a stage that has deployed already`,
          remedy: 'put evidence stages before the first deploy stage',
        });
      }
    }
    if (stage.promotion === 'automatic' && stage.gate?.note === 'required') {
      problems.push({
        path: `${path}.promotion`,
        problem: `stage ${stage.name} needs a note with every promotion, and no automatic promotion carries one`,
        remedy: "set promotion to 'manual', or drop the note",
      });
    }
    if (stage.promotion === 'automatic' && stage.gate?.approvers !== undefined) {
      problems.push({
        path: `${path}.promotion`,
        problem: `stage ${stage.name} is promoted by its approvers only, and an automatic promotion has no actor`,
        remedy: "set promotion to 'manual', or drop the approvers",
      });
    }
  });
  if (!stages.some((stage) => stage.kind === 'deploy')) {
    problems.push({
      path: 'stages',
      problem: 'no stage deploys anything',
      remedy: 'list at least one deploy stage (it may be disabled)',
    });
  }
  return problems;
}

function positionOf(stages: readonly Stage[], name: string): number {
  const position = stages.findIndex((stage) => stage.name === name);
  if (position < 0) {
    throw new RangeError(`no stage is called ${name}; there are ${stages.map((stage) => stage.name).join(', ')}`);
  }
  return position;
}
