import type { SystemOutput } from '../../constructs/core/index.ts';
import { privilegedStepsReason } from '../../constructs/woodpecker/index.ts';
import { composeNamespaces, composeStorage } from '../stonks/foundation.ts';
import type { Settings } from './settings.ts';

/** Claims of the volumes, by consumer. */
export interface Claims {
  readonly argoCd: string;
  readonly kargo: string;
  readonly woodpecker: string;
}

/** Woodpecker's namespaces beside the common ones (R13.1). */
export function composeStonksNamespaces(output: SystemOutput, { namespaces, stages, promotion }: Settings): void {
  composeNamespaces(output, {
    own: [
      { name: namespaces.woodpecker },
      { name: namespaces.steps, podSecurity: 'privileged', reason: privilegedStepsReason },
    ],
    argoCd: namespaces.argoCd,
    kargo: namespaces.kargo,
    setUp: namespaces.setUp,
    project: promotion.project,
    workloads: [stages.beta.namespace, stages.paper.namespace],
  });
}

/** The three volumes on the share (R24). */
export function composeStonksStorage(output: SystemOutput, settings: Settings, claims: Claims): string {
  const { share, volumes } = settings.storage;
  const { namespaces } = settings;
  return composeStorage(output, {
    share,
    volumes: (['argoCd', 'kargo', 'woodpecker'] as const).map((key) => ({
      ...volumes[key],
      claim: { namespace: namespaces[key], name: claims[key] },
    })),
    setUp: namespaces.setUp,
    image: settings.images.busybox,
  });
}
