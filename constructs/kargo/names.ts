/** Labels and annotations that Kargo reads. */
export const kargoKey = {
  project: 'kargo.akuity.io/project',
  keepNamespace: 'kargo.akuity.io/keep-namespace',
  color: 'kargo.akuity.io/color',
  description: 'kargo.akuity.io/description',
  credentialType: 'kargo.akuity.io/cred-type',
  authorizedStage: 'kargo.akuity.io/authorized-stage',
  claims: 'rbac.kargo.akuity.io/claims',
} as const;

/** Namespace where Kargo looks for credentials that every project shares. */
export const sharedResourcesNamespace = 'kargo-shared-resources';

/** The Services of the official chart with TLS terminated upstream, for the Ingress and the desk. */
export const kargoService = {
  /** REST API, dashboard and, under /dex, the log-in. */
  api: { name: 'kargo-api', port: 80 },
  /** Receives web hooks of registries and pipelines under /webhooks. */
  externalWebhooks: { name: 'kargo-external-webhooks-server', port: 80 },
} as const;

/** The ServiceAccounts of the official chart, without their namespace. */
export const kargoServiceAccount = {
  controller: 'kargo-controller',
  api: 'kargo-api',
  managementController: 'kargo-management-controller',
  garbageCollector: 'kargo-garbage-collector',
  externalWebhooks: 'kargo-external-webhooks-server',
} as const;

/** The branch of a stage in the repository of promotions. */
export function stageBranch(stage: string): string {
  return `stage/${stage}`;
}
