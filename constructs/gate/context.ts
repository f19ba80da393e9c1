import type { Construct } from 'constructs';
import { AdmissionPolicy, type AdmissionPolicyProps } from '../core/index.ts';
import { type GateUsers, gateUsers } from './accounts.ts';
import { text } from './cel.ts';
import type { PromotionGateProps } from './props.ts';

/** What every policy of one gate shares. */
export interface GateContext {
  readonly props: PromotionGateProps;
  readonly users: GateUsers;
  /** Namespaces whose workloads are behind a gate. */
  readonly gatedNamespaces: readonly string[];
}

export function gateContext(props: PromotionGateProps): GateContext {
  return {
    props,
    users: gateUsers(props.setUpUser ?? 'pipelines-set-up', props.kargo, props.argoCd),
    gatedNamespaces: props.stages.flatMap((stage) =>
      stage.gate !== undefined && stage.namespace !== undefined ? [stage.namespace] : [],
    ),
  };
}

/** CEL, a string: who sent the request. */
export const requestUser = 'request.userInfo.username';

/** CEL, a string: the namespace of the request, '' for cluster-scoped objects. */
export const requestNamespace = "request.?namespace.orValue('')";

/** The condition that lets the set-up pass. */
export function notSetUp({ users }: GateContext): { name: string; expression: string } {
  return { name: 'not-set-up', expression: `${requestUser} != ${text(users.setUp)}` };
}

/** The condition that keeps a policy to the project's namespace. */
export function inProject({ props }: GateContext): { name: string; expression: string } {
  return { name: 'in-project', expression: `${requestNamespace} == ${text(props.project)}` };
}

/** A policy of the gate, named after its rule. */
export function gatePolicy(
  scope: Construct,
  { props }: GateContext,
  rule: string,
  policy: Omit<AdmissionPolicyProps, 'name' | 'annotations'>,
): AdmissionPolicy {
  return new AdmissionPolicy(scope, rule, {
    ...policy,
    name: `${props.system}-gate-${rule}`,
    annotations: props.annotations,
  });
}

/** The group of Kargo's objects. */
export const kargoGroup = 'kargo.akuity.io';
