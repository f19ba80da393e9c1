import { restrictedPod } from '../workload/index.ts';
import type { WorkflowSpec } from './spec.ts';

/** User that every step runs as. */
export const stepUser = 1000;

/**
 * What every Workflow has, written into each template: the controller's own defaults belong to whoever installed it, and two
 * owners of its ConfigMap would take turns.
 */
export const workflowDefaults = {
  ttlStrategy: { secondsAfterSuccess: 24 * 3600, secondsAfterFailure: 7 * 24 * 3600 },
  // The pods of a failed step stay for its log.
  podGC: { strategy: 'OnPodSuccess' },
  securityContext: restrictedPod({ uid: stepUser, fsGroup: stepUser }),
} as const satisfies Partial<WorkflowSpec>;
