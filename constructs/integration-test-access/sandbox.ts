/** What tells a sandbox namespace from every other. */
export interface Sandbox {
  /** Prefix of the names, for example `stonks-inttest-`; ends with "-". */
  readonly prefix: string;
  /** Label that every sandbox carries with the value `true`, for example `stonks.celestium.life/ephemeral`. */
  readonly label: string;
}

/** A service account by name. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** The user name that the API server sees. */
export function userName(account: Account): string {
  return `system:serviceaccount:${account.namespace}:${account.name}`;
}

/** One rule of a role: what may be done to what. No wildcards. */
export interface AccessRule {
  readonly apiGroup: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const change = ['create', 'get', 'list', 'watch', 'patch', 'update', 'delete'];

/** What a test needs to deploy a sandbox with plain manifests (R26.3) and to see why it failed. */
export const deployRules: readonly AccessRule[] = [
  { apiGroup: 'apps', resources: ['deployments'], verbs: change },
  { apiGroup: '', resources: ['services', 'configmaps'], verbs: change },
  { apiGroup: 'apps', resources: ['replicasets'], verbs: ['get', 'list', 'watch'] },
  { apiGroup: '', resources: ['pods', 'events', 'endpoints'], verbs: ['get', 'list', 'watch'] },
  { apiGroup: '', resources: ['pods/log'], verbs: ['get'] },
];

/** What a test needs besides to install a Helm chart: Helm keeps its releases in Secrets. */
export const helmRules: readonly AccessRule[] = [
  { apiGroup: '', resources: ['secrets', 'serviceaccounts', 'persistentvolumeclaims'], verbs: change },
  { apiGroup: 'apps', resources: ['statefulsets'], verbs: change },
];

/** What a test needs besides to put data in and to call services: Jobs, commands in pods, forwarded ports. */
export const seedRules: readonly AccessRule[] = [
  { apiGroup: 'batch', resources: ['jobs'], verbs: change },
  { apiGroup: '', resources: ['pods/exec', 'pods/portforward'], verbs: ['create', 'get'] },
];
