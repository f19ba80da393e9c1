import type { HelmRelease } from '../helm-release/index.ts';

/** Registry folder of the official charts; controller and scale sets always have the same version. */
const charts = 'oci://ghcr.io/actions/actions-runner-controller-charts';

/** A release by name. */
export interface ReleaseName {
  readonly name: string;
  readonly namespace: string;
}

/** The controller, official and pinned; its chart brings the CRDs. */
export function arcControllerRelease(version: string, release: ReleaseName): HelmRelease {
  return { ...release, chart: `${charts}/gha-runner-scale-set-controller`, version };
}

/** A runner scale set, official and pinned. */
export function runnerScaleSetRelease(version: string, release: ReleaseName): HelmRelease {
  return { ...release, chart: `${charts}/gha-runner-scale-set`, version };
}

/** Account of the controller; a scale set has to name it, since a controller of one namespace is not found by itself. */
export const arcControllerAccount = 'arc-controller';

/** Deployment of the controller, as its chart names it. */
export function arcControllerDeployment(release: string): string {
  return `${release}-gha-rs-controller`;
}
