/**
 * Phases of the install, in the only order in which they work: the forge and its branches exist before Argo CD reads them,
 * Kargo's objects are restored before its webhooks and the gate could refuse them, and automatic promotion comes last, since
 * Kargo never repeats an automatic promotion that failed once.
 */
export const installPhases = [
  'preflight',
  'arc',
  'namespaces',
  'volumes',
  'directories',
  'forge',
  'repositories',
  'secrets',
  'runners',
  'argo-cd',
  'kargo-base',
  'restore',
  'gate',
  'kargo',
  'root',
  'ci',
  'project-config',
  'status',
] as const;

export type InstallPhase = (typeof installPhases)[number];

/**
 * Phases of the teardown: nothing writes state any more, then the last snapshot, then the gate's bindings, the Applications
 * (their workloads stay) and the controllers; namespaces and volumes come last, so that no finalizer waits for a controller
 * that is gone.
 */
export const teardownPhases = [
  'preflight',
  'quiet',
  'snapshot',
  'secrets',
  'applications',
  'gate',
  'purge',
  'kargo',
  'argo-cd',
  'runners',
  'objects',
  'namespaces',
  'volumes',
  'status',
] as const;

export type TeardownPhase = (typeof teardownPhases)[number];

/** What a person reads while the phase of an install runs. */
export const installTitles: Readonly<Record<InstallPhase, string>> = {
  preflight: 'check everything first, change nothing',
  arc: 'remove the GitHub Actions runners that this system replaces',
  namespaces: 'namespaces',
  volumes: 'persistent volumes and claims',
  directories: 'directories on the share',
  forge: 'the forge: users, repositories, protection',
  repositories: 'push this revision, seed the branches of the stages',
  secrets: 'secrets',
  runners: 'GitHub Actions runners',
  'argo-cd': 'Argo CD',
  'kargo-base': 'Kargo without its workloads and webhooks',
  restore: 'restore the last snapshot',
  gate: 'the promotion gate',
  kargo: 'Kargo whole',
  root: 'the root Application',
  ci: 'connect the CI server with the forge',
  'project-config': 'automatic promotion',
  status: 'result',
};

/** What a person reads while the phase of a teardown runs. */
export const teardownTitles: Readonly<Record<TeardownPhase, string>> = {
  preflight: 'check everything first, change nothing',
  quiet: 'stop what writes state',
  snapshot: 'the last snapshot',
  secrets: 'keep a copy of the secrets',
  applications: 'Applications, without their workloads',
  gate: 'the promotion gate',
  purge: 'objects of Kargo (only with --purge)',
  kargo: 'Kargo',
  'argo-cd': 'Argo CD',
  runners: 'GitHub Actions runners',
  objects: 'cluster-wide objects of this system',
  namespaces: 'namespaces that the install made',
  volumes: 'volumes: kept, ready to be bound again',
  status: 'result',
};
