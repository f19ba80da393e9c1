import type { SecretRef } from '../../model/secret-ref.ts';

/** The forge user that anchors the head of the audit chain outside the volume. */
export function auditCredentials(namespace: string): SecretRef {
  return {
    namespace,
    name: 'audit-anchor',
    keys: ['username', 'password'],
    provenance: 'forge-setup',
    purpose: 'lets the audit recorder write the head of its chain to branch `audit` of the repository `pipelines`',
  };
}
