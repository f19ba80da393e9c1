/** Version of the line format. A reader refuses versions that it does not know. */
export const auditVersion = 1;

/** One image of a Freight. */
export interface AuditImage {
  readonly repository: string;
  readonly tag: string;
  readonly digest?: string;
}

/** What every fact has. */
interface FactBase {
  /** Identity of the fact: the same fact always has the same key, so that it is recorded once, after any downtime. */
  readonly key: string;
  /** When it happened (RFC 3339, UTC), by Kargo's or the API server's clock. */
  readonly at: string;
  /** Kargo project (namespace). */
  readonly project: string;
}

/** What every fact about one promotion has (R22.1). */
interface PromotionFact extends FactBase {
  readonly promotion: string;
  /** Target stage. */
  readonly stage: string;
  readonly freight: string;
  /** Image tag (Git SHA); the tags joined by a comma when the images of the Freight differ. */
  readonly tag: string;
  /** Who asked for it, as Kargo writes it (`admin`, `email:alice@x`, `kubernetes:bob`); `automatic` for Kargo itself. */
  readonly actor: string;
}

/** A promotion exists. Carries every audit field, the justification included (R22.1, R22.2). */
export interface PromotionCreated extends PromotionFact {
  readonly type: 'promotion-created';
  /** Identity of the Kubernetes object. It changes when a cluster is rebuilt; the name does not. */
  readonly uid: string;
  /** Stages that the target takes Freight from. Empty: straight from the Warehouse. */
  readonly sourceStages: readonly string[];
  readonly freightAlias?: string;
  readonly images: readonly AuditImage[];
  readonly automatic: boolean;
  readonly note?: string;
  /** Justification. Present only when break-glass was used. */
  readonly breakGlass?: string;
  readonly rollback?: true;
}

/** Break-glass was activated; always recorded before the promotion starts (R19.4). */
export interface BreakGlassActivated extends PromotionFact {
  readonly type: 'break-glass';
  readonly justification: string;
  readonly note?: string;
}

export interface PromotionStarted extends PromotionFact {
  readonly type: 'promotion-started';
}

export interface PromotionFinished extends PromotionFact {
  readonly type: 'promotion-finished';
  readonly result: 'Succeeded' | 'Failed' | 'Errored';
  readonly message?: string;
}

export interface PromotionAborted extends PromotionFact {
  readonly type: 'promotion-aborted';
  /** Who aborted it; `unknown` when Kargo keeps no name (for example after a rebuild of the cluster). */
  readonly abortedBy: string;
  readonly message?: string;
}

/** An open promotion is gone from Kargo and its end was never seen. */
export interface PromotionRemoved extends PromotionFact {
  readonly type: 'promotion-removed';
}

/** Somebody let a Freight into a stage past its sources. */
export interface FreightApproved extends FactBase {
  readonly type: 'freight-approved';
  readonly freight: string;
  readonly tag: string;
  readonly stage: string;
  /** From Kargo's event; `unknown` when the event had expired (Kargo does not keep the approver). */
  readonly actor: string;
}

/** A Freight passed a stage, so it may go on to the next one. */
export interface FreightVerified extends FactBase {
  readonly type: 'freight-verified';
  readonly freight: string;
  readonly tag: string;
  readonly stage: string;
}

/** What the promotion desk reports: attempts leave nothing in Kargo. */
interface AttemptFact extends FactBase {
  /** Identity that the reporter chose for the attempt. */
  readonly attempt: string;
  readonly stage: string;
  readonly freight: string;
  readonly tag: string;
  readonly actor: string;
  readonly note?: string;
  readonly justification?: string;
  /** Program that reported it. Not a fact of Kargo: as trustworthy as its reporter. */
  readonly reportedBy: string;
}

/** The API server refused a promotion. */
export interface PromotionDenied extends AttemptFact {
  readonly type: 'promotion-denied';
  /** The refusal in words. */
  readonly reason: string;
}

/** Somebody confirmed the break-glass dialog; written before the promotion is asked for. */
export interface BreakGlassAnnounced extends AttemptFact {
  readonly type: 'break-glass-announced';
}

/** A Stage or an object of the gate appeared, changed or went away. */
export interface DefinitionChanged extends FactBase {
  readonly type: 'definition-changed';
  /** Kind of the object, for example `Stage` or `ValidatingAdmissionPolicy`. */
  readonly kind: string;
  readonly name: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** SHA-256 of its definition; empty when removed. */
  readonly digest: string;
  /** How a Stage describes itself in the dashboard; says whether it is switched off (R20). */
  readonly description?: string;
}

/** The recorder found the file damaged when it opened it, and went on behind the damage. */
export interface ChainBroken extends FactBase {
  readonly type: 'chain-broken';
  readonly problem: string;
}

/** One thing that happened, before it is put in the chain. */
export type AuditFact =
  | PromotionCreated
  | BreakGlassActivated
  | PromotionStarted
  | PromotionFinished
  | PromotionAborted
  | PromotionRemoved
  | FreightApproved
  | FreightVerified
  | PromotionDenied
  | BreakGlassAnnounced
  | DefinitionChanged
  | ChainBroken;

export type AuditType = AuditFact['type'];

/** Every record type, in the order in which documents list them. */
export const auditTypes = [
  'promotion-created',
  'break-glass',
  'promotion-started',
  'promotion-finished',
  'promotion-aborted',
  'promotion-removed',
  'freight-approved',
  'freight-verified',
  'promotion-denied',
  'break-glass-announced',
  'definition-changed',
  'chain-broken',
] as const satisfies readonly AuditType[];

/** What the chain adds to a fact. */
export interface ChainLink {
  readonly version: typeof auditVersion;
  /** 1, 2, 3 ... without a gap, across all files. */
  readonly seq: number;
  /** Hash of the line before; 64 zeros for the first. */
  readonly previous: string;
  /** When the recorder wrote the line (RFC 3339, UTC), by its own clock. */
  readonly recordedAt: string;
  /** SHA-256 (hex) of every byte of the line before `,"hash":`. */
  readonly hash: string;
}

/** One line of the audit log. */
export type AuditRecord = AuditFact & ChainLink;

/** The end of the chain at some moment; kept outside (branch `audit`) it proves that nothing before it was rewritten. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** A head that was written outside the volume. */
export interface Anchor extends ChainHead {
  /** When it was anchored (RFC 3339, UTC). */
  readonly at: string;
}
