import type { Actor } from '../../model/gate/index.ts';
import { breakGlassDefaults, type Gate } from '../../model/gate/index.ts';
import type { PromotionWindow } from '../../model/promotion-window/index.ts';
import type { Stage, StageKind } from '../../model/stage-chain.ts';

/** What the settings say about stages, people and the window. */
export interface StageFacts {
  /** Evidence stages before beta, in order: `ci`, and in the predecessor `integration-test` as well. */
  readonly evidence: ReadonlyArray<{
    readonly name: string;
    readonly kind: Exclude<StageKind, 'deploy'>;
    readonly enabled: boolean;
  }>;
  readonly beta: DeployFacts;
  readonly paper: DeployFacts & { readonly promotion: 'manual' | 'automatic' };
  readonly live: DeployFacts;
  readonly window: PromotionWindow;
  readonly people: { readonly operators: readonly string[]; readonly approvers: readonly string[] };
}

interface DeployFacts {
  readonly enabled: boolean;
  readonly namespace: string;
}

/** A person as Kargo writes one who logged in through the forge. */
function actor(address: string): Actor {
  return `email:${address}`;
}

/**
 * The stages of Stonks Oracle in order (R15–R17, R20): evidence, beta by itself, paper behind the window, live behind the
 * window with a note by an approver.
 */
export function stonksStages(facts: StageFacts): readonly Stage[] {
  const approvers = facts.people.approvers.map(actor);
  const everybody = [...new Set([...facts.people.operators.map(actor), ...approvers])];
  const paperGate: Gate = { window: facts.window, breakGlass: { ...breakGlassDefaults, actors: everybody } };
  const liveGate: Gate = {
    window: facts.window,
    note: 'required',
    approvers,
    breakGlass: { ...breakGlassDefaults, actors: approvers },
  };
  return [
    ...facts.evidence.map((stage): Stage => ({ ...stage, promotion: 'automatic' })),
    { name: 'beta', kind: 'deploy', promotion: 'automatic', ...facts.beta },
    { name: 'paper', kind: 'deploy', gate: paperGate, ...facts.paper },
    { name: 'live', kind: 'deploy', promotion: 'manual', gate: liveGate, ...facts.live },
  ];
}
