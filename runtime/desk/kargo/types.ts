/** The parts of Kargo's objects (v1.11) that the desk reads. Every field may be missing: another version may leave it out. */

export interface ObjectMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly creationTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface FreightOrigin {
  readonly kind?: string;
  readonly name?: string;
}

export interface FreightImage {
  readonly repoURL?: string;
  readonly tag?: string;
  readonly digest?: string;
}

export interface FreightReference {
  readonly name?: string;
  readonly origin?: FreightOrigin;
  readonly images?: readonly FreightImage[];
}

export interface KargoFreight {
  readonly metadata?: ObjectMeta;
  readonly alias?: string;
  readonly discoveredAt?: string;
  readonly origin?: FreightOrigin;
  readonly images?: readonly FreightImage[];
  readonly status?: {
    readonly currentlyIn?: Readonly<Record<string, { readonly since?: string }>>;
    readonly verifiedIn?: Readonly<Record<string, { readonly verifiedAt?: string; readonly longestSoak?: string }>>;
    readonly approvedFor?: Readonly<Record<string, { readonly approvedAt?: string }>>;
  };
}

export interface PromotionStatus {
  readonly phase?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly currentStep?: number;
  readonly freight?: FreightReference;
}

export interface KargoPromotion {
  readonly metadata?: ObjectMeta;
  readonly spec?: {
    readonly stage?: string;
    readonly freight?: string;
    readonly steps?: readonly { readonly uses?: string }[];
  };
  readonly status?: PromotionStatus;
}

export interface PromotionReference {
  readonly name?: string;
  readonly freight?: FreightReference;
  readonly status?: PromotionStatus;
  readonly finishedAt?: string;
}

export interface RequestedFreight {
  readonly origin?: FreightOrigin;
  readonly sources?: {
    readonly direct?: boolean;
    readonly stages?: readonly string[];
    readonly requiredSoakTime?: string;
    readonly availabilityStrategy?: string;
  };
}

export interface KargoStage {
  readonly metadata?: ObjectMeta;
  readonly spec?: { readonly requestedFreight?: readonly RequestedFreight[] };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly freightHistory?: readonly {
      readonly items?: Readonly<Record<string, FreightReference>>;
      readonly verificationHistory?: readonly { readonly phase?: string; readonly message?: string }[];
    }[];
    readonly health?: { readonly status?: string; readonly issues?: readonly string[] };
    readonly currentPromotion?: PromotionReference;
    readonly lastPromotion?: PromotionReference;
    readonly autoPromotionEnabled?: boolean;
    readonly effectiveAutoPromotionHolds?: Readonly<
      Record<string, { readonly actor?: string; readonly freightName?: string }>
    >;
  };
}

/** A phase from which a Promotion never moves again. */
const finalPhases = new Set(['Succeeded', 'Failed', 'Errored', 'Aborted']);

export function isFinished(promotion: KargoPromotion): boolean {
  return finalPhases.has(promotion.status?.phase ?? '');
}

/** Kargo writes the maker of a Promotion here: `admin`, `email:alice@example.org`, `kubernetes:bob`; nothing if it was automatic. */
export const createActorAnnotation = 'kargo.akuity.io/create-actor';
