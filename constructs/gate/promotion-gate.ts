import { Construct } from 'constructs';
import { gate as gateSchema } from '../../model/gate/index.ts';
import { type Problem, SettingsError } from '../../model/problems.ts';
import { applicationsPolicy, appProjectsPolicy } from './application-policies.ts';
import { type GateContext, gateContext } from './context.ts';
import { definitionPolicy, evidencePolicy } from './pipeline-policies.ts';
import { approvalPolicy, createPolicy, disabledPolicy, startPolicy } from './promotion-policies.ts';
import type { PromotionGateProps } from './props.ts';
import { historyPolicy, immutablePolicy, statusPolicy } from './record-policies.ts';
import { reachPolicy, rightsPolicy, tokensPolicy, workloadsPolicy } from './rights-policies.ts';

/**
 * The promotion gate: admission policies of the API server, without a running component. They hold for every way in (the
 * dashboards, the command lines, kubectl, automatic promotion) and fail closed. docs/gate.md has the exact semantics.
 *
 * The set of policies is the same for every settings: what is switched off is an empty list in its policy. So a changed
 * setting never leaves a policy behind.
 */
export class PromotionGate extends Construct {
  /** Names of the policies; each binding has the name of its policy. */
  readonly policyNames: readonly string[];

  /** @throws SettingsError with everything that is wrong in the props */
  constructor(scope: Construct, id: string, props: PromotionGateProps) {
    super(scope, id);
    const problems = gateProblems(props);
    if (problems.length > 0) throw new SettingsError(`promotion gate of ${props.system}`, problems);
    const context = gateContext(props);
    this.policyNames = [
      ...this.promotions(context),
      ...this.records(context),
      ...this.pipeline(context),
      ...this.rights(context),
      ...this.deployments(context),
    ].map((policy) => policy.name);
  }

  /** When and by whom a promotion is created and started. */
  private promotions(context: GateContext) {
    return [createPolicy, approvalPolicy, disabledPolicy, startPolicy].map((policy) => policy(this, context));
  }

  /** What a promotion says about itself. */
  private records(context: GateContext) {
    return [statusPolicy, immutablePolicy, historyPolicy].map((policy) => policy(this, context));
  }

  /** Stages, Warehouses and Freight. */
  private pipeline(context: GateContext) {
    return [definitionPolicy, evidencePolicy].map((policy) => policy(this, context));
  }

  /** Roles, tokens and the reach of shared accounts. */
  private rights(context: GateContext) {
    return [rightsPolicy, tokensPolicy, reachPolicy, workloadsPolicy].map((policy) => policy(this, context));
  }

  /** Argo CD. */
  private deployments(context: GateContext) {
    return [applicationsPolicy, appProjectsPolicy].map((policy) => policy(this, context));
  }
}

/** Everything that is wrong with the props of a gate, with paths below `stages`. */
export function gateProblems(props: PromotionGateProps): readonly Problem[] {
  return props.stages.flatMap((stage, index) => {
    const path = `stages.${index}`;
    const problems: Problem[] = [];
    if (stage.namespace === props.project) {
      problems.push({
        path: `${path}.namespace`,
        problem: `stage ${stage.name} deploys to ${props.project}, the namespace of the Kargo project`,
        remedy: 'give the project a namespace of its own',
      });
    }
    if (stage.promotion === 'automatic' && (stage.gate?.note !== undefined || stage.gate?.approvers !== undefined)) {
      problems.push({
        path: `${path}.promotion`,
        problem: `stage ${stage.name} is promoted automatically, yet wants a note or an approver`,
        remedy: "set promotion to 'manual', or drop note and approvers",
      });
    }
    if (stage.gate !== undefined) {
      for (const issue of gateSchema.safeParse(stage.gate).error?.issues ?? []) {
        const [problem = issue.message, ...remedy] = issue.message.split('; ');
        problems.push({
          path: [`${path}.gate`, ...issue.path.map(String)].join('.'),
          problem,
          remedy: remedy.join('; ') || 'correct the value in settings.ts',
        });
      }
    }
    return problems;
  });
}
