/**
 * Order in which the root Application applies objects: a wave starts when the objects of the wave before it are healthy.
 * The promotion policies come last: an automatic promotion that fails because something is not there yet is never retried.
 */
export const syncWave = {
  /** Admission policies: before anything that they guard. */
  gate: -20,
  /** Kargo Project and its roles; the Warehouse one wave later. */
  promotion: -10,
  /** Stages, after the Warehouse they take builds from. */
  stages: -8,
  /** AppProjects and Applications of the stages. */
  applications: -5,
  /** The ProjectConfig, which switches automatic promotion on. */
  promotionPolicies: 20,
} as const;

/** How Argo CD treats one object. */
export interface SyncBehaviour {
  /** Order, lower first. @default 0 */
  readonly wave?: number;
  /** Never deleted, neither when it leaves Git nor with its Application. @default false */
  readonly keep?: boolean;
}

/** The annotations for a behaviour; empty for the default one. */
export function syncAnnotations(behaviour: SyncBehaviour): Readonly<Record<string, string>> {
  return {
    ...(behaviour.wave === undefined ? {} : { 'argocd.argoproj.io/sync-wave': String(behaviour.wave) }),
    ...(behaviour.keep ? { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' } : {}),
  };
}
