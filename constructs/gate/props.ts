import type { GatedStage } from '../../model/gate/index.ts';
import type { ArgoCdAccounts, KargoAccounts } from './accounts.ts';
import type { ZoneClock } from './window-variables.ts';

/** A stage as the gate sees it; every stage of model/stage-chain.ts is one. */
export interface GateStage extends GatedStage {
  /** Namespace that the stage deploys to. @default - it deploys nothing */
  readonly namespace?: string;
}

export interface PromotionGateProps {
  /** Name of the system; the policies are called `<system>-gate-<rule>`. Unique in the cluster. */
  readonly system: string;
  /** The Kargo project, which is also the namespace of its Stages and Promotions. Never a workload's namespace. */
  readonly project: string;
  /** Every stage of the project, the disabled ones too. Promotions to a stage that is not listed are refused. R18, R20 */
  readonly stages: readonly GateStage[];
  /** Kargo's accounts. */
  readonly kargo: KargoAccounts;
  /** Argo CD's accounts. */
  readonly argoCd: ArgoCdAccounts;
  /** The user as whom the set-up acts (impersonated by the cluster's administrator). Passes every rule. @default 'pipelines-set-up' */
  readonly setUpUser?: string;
  /** How the policies read a zone's wall clock; preflight tells whether names work. @default 'zone-names' */
  readonly clock?: ZoneClock;
  /** AppProjects whose Applications are defined in Git only. @default ['default'] */
  readonly guardedAppProjects?: readonly string[];
  /** Further Applications that are defined in Git only and not synced by hand: the root, and whatever carries the gate. @default - none */
  readonly guardedApplications?: readonly string[];
  /** Kargo projects that another system's gate guards. @default - none: every Stage of the cluster is this system's */
  readonly otherProjects?: readonly string[];
  /** Kargo roles of the project that may have API tokens. @default ['kargo-viewer', 'kargo-promoter'] */
  readonly tokenRoles?: readonly string[];
  /** Annotations of every policy and binding, for example the sync wave. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
}
