import type { KubernetesObject } from '../kubernetes/resources.ts';

/** The parts of Kargo's objects (v1.11) that the recorder reads. */
export interface FreightContent {
  readonly name?: string;
  readonly images?: readonly { readonly repoURL?: string; readonly tag?: string; readonly digest?: string }[];
  readonly commits?: readonly { readonly id?: string }[];
}

export interface FreightObject extends KubernetesObject, Omit<FreightContent, 'name'> {
  alias?: string;
  status?: {
    readonly verifiedIn?: Readonly<Record<string, { readonly verifiedAt?: string }>>;
    readonly approvedFor?: Readonly<Record<string, { readonly approvedAt?: string }>>;
  };
}

export interface PromotionObject extends KubernetesObject {
  spec?: { readonly stage?: string; readonly freight?: string };
  status?: {
    readonly phase?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
    readonly freight?: FreightContent;
  };
}

export interface StageObject extends KubernetesObject {
  spec?: {
    readonly requestedFreight?: readonly {
      readonly sources?: { readonly direct?: boolean; readonly stages?: readonly string[] };
    }[];
  };
}

/** An object of core/v1 Event, as Kargo writes it. */
export interface EventObject extends KubernetesObject {
  reason?: string;
  involvedObject?: { readonly name?: string };
}

export const kargoAnnotation = {
  createActor: 'kargo.akuity.io/create-actor',
  abort: 'kargo.akuity.io/abort',
  rollback: 'kargo.akuity.io/rollback',
  description: 'kargo.akuity.io/description',
  eventActor: 'event.kargo.akuity.io/actor',
  eventStage: 'event.kargo.akuity.io/stage-name',
} as const;
