import { Construct } from 'constructs';
import { Stage as KargoStage, StageSpecRequestedFreightOriginKind } from '../../imports/kargo.akuity.io.ts';
import { type ChainLink, evidenceWaived, type Stage, type Upstream, upstreamOf } from '../../model/stage-chain.ts';
import { syncAnnotations, syncWave } from '../argo-cd/sync.ts';
import { type DeployTarget, deploySteps } from './deploy-steps.ts';
import { type CommitStatusEvidence, evidenceStep } from './evidence.ts';
import { kargoKey } from './names.ts';
import type { PromotionStep } from './steps.ts';

export interface PromotionStagesProps {
  /** The stages in order, the disabled ones among them. R20.1 */
  readonly stages: readonly Stage[];
  /** Name of the Warehouse that the builds come from. */
  readonly warehouse: string;
  /** The image whose tag is promoted, as in the Warehouse. */
  readonly image: string;
  /** Evidence of every stage of kind `ci` or `integration-test`, by the stage's name. R5.3, R15.3 */
  readonly evidence: Readonly<Record<string, CommitStatusEvidence>>;
  /** Target of every stage of kind `deploy`, by the stage's name. R15.1, R16.1, R17.2 */
  readonly targets: Readonly<Record<string, DeployTarget>>;
}

/** Colours of the stages in the dashboard: how dear a mistake is. */
const colour = { disabled: 'gray', evidence: 'sky', open: 'green', window: 'amber', approval: 'red' } as const;

/**
 * The Stages of a project. A disabled stage stays, because Kargo deletes the history of a Stage with it; the stages after
 * it take their builds from the nearest enabled one before. R20.2
 *
 * @throws Error with every stage that lacks its evidence or target
 */
export class PromotionStages extends Construct {
  constructor(scope: Construct, id: string, props: PromotionStagesProps) {
    super(scope, id);
    refuseMissing(props);
    for (const stage of props.stages) {
      this.addStage(stage, props);
    }
  }

  private addStage(stage: Stage, props: PromotionStagesProps): void {
    const upstream = upstreamOf(props.stages, stage.name);
    new KargoStage(this, stage.name, {
      metadata: {
        name: stage.name,
        annotations: {
          [kargoKey.color]: colourOf(stage),
          [kargoKey.description]: describe(stage, props),
          ...syncAnnotations({ wave: syncWave.stages, keep: true }),
        },
      },
      spec: {
        vars: [{ name: 'image', value: props.image }],
        requestedFreight: [
          {
            origin: { kind: StageSpecRequestedFreightOriginKind.WAREHOUSE, name: props.warehouse },
            sources: sources(upstream),
          },
        ],
        promotionTemplate: { spec: { steps: [...stepsOf(stage, props)] } },
      },
    });
  }
}

function sources(upstream: ChainLink['upstream']) {
  return upstream.from === 'registry' ? { direct: true } : { stages: [upstream.stage.name] };
}

function stepsOf(stage: Stage, props: PromotionStagesProps): readonly PromotionStep[] {
  const evidence = props.evidence[stage.name];
  if (stage.kind !== 'deploy' && evidence !== undefined) return [evidenceStep(evidence)];
  const target = props.targets[stage.name];
  return target === undefined ? [] : deploySteps(stage.name, target);
}

function refuseMissing(props: PromotionStagesProps): void {
  const missing = props.stages.flatMap((stage) => {
    const [what, present] =
      stage.kind === 'deploy' ? ['target', props.targets[stage.name]] : ['evidence', props.evidence[stage.name]];
    return present === undefined ? [`stage ${stage.name} has no ${what}`] : [];
  });
  const names = new Set(props.stages.map((stage) => stage.name));
  const unknown = [...Object.keys(props.evidence), ...Object.keys(props.targets)].filter((name) => !names.has(name));
  const problems = [...missing, ...unknown.map((name) => `evidence or target is given for ${name}, which is no stage`)];
  if (problems.length > 0) {
    throw new Error(
      `${problems.join('; ')}: give each ci and integration-test stage evidence, each deploy stage a target`,
    );
  }
}

function colourOf(stage: Stage): string {
  if (!stage.enabled) return colour.disabled;
  if (stage.kind !== 'deploy') return colour.evidence;
  if (stage.gate?.note === 'required' || stage.gate?.approvers !== undefined) return colour.approval;
  return stage.gate?.window === undefined ? colour.open : colour.window;
}

/** What a person has to know about a stage, in plain words; the dashboard shows it above the stage. */
function describe(stage: Stage, props: PromotionStagesProps): string {
  const sentences = stage.enabled ? [whatItDoes(stage, props), ...rules(stage)] : [switchedOff(stage, props.stages)];
  const waived = stage.enabled ? evidenceWaived(props.stages, stage.name) : [];
  if (waived.length > 0) {
    sentences.push(`Evidence waived: ${waived.map((each) => each.name).join(', ')} is switched off.`);
  }
  return sentences.join(' ');
}

function whatItDoes(stage: Stage, props: PromotionStagesProps): string {
  const evidence = props.evidence[stage.name];
  if (stage.kind !== 'deploy' && evidence !== undefined) {
    return `Waits until ${evidence.creator} reports success of ${evidence.context} for the commit.`;
  }
  return `Deploys to ${stage.namespace}, ${stage.promotion === 'automatic' ? 'by itself' : 'by hand'}.`;
}

function rules(stage: Stage): string[] {
  const window = stage.gate?.window;
  return [
    ...(window === undefined
      ? []
      : [`Closed ${window.from} to ${window.to} ${window.timeZone} on ${window.days.join(', ')}.`]),
    ...(stage.gate?.note === 'required' ? ['Needs a note.'] : []),
  ];
}

function switchedOff(stage: Stage, stages: readonly Stage[]): string {
  const after = stages.slice(stages.indexOf(stage) + 1).find((each) => each.enabled);
  const way: Upstream | undefined = after === undefined ? undefined : upstreamOf(stages, after.name);
  if (after === undefined || way === undefined) return 'Switched off: promotions are refused.';
  const from = way.from === 'registry' ? 'the registry' : way.stage.name;
  return `Switched off: promotions are refused, and ${after.name} takes its builds from ${from}.`;
}
