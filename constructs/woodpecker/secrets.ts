import type { SecretRef } from '../../model/secret-ref.ts';

/** The Secrets that server and agent share. */
export interface WoodpeckerSecrets {
  /** OAuth2 application in the forge: keys `client-id`, `client-secret`. */
  readonly oauth: SecretRef;
  /** Keys `agent-secret` (agents prove themselves with it) and `grpc-secret` (signs their sessions). */
  readonly internal: SecretRef;
}

/** Names and keys of Woodpecker's Secrets in a namespace. */
export function woodpeckerSecrets(namespace: string): WoodpeckerSecrets {
  return {
    oauth: {
      namespace,
      name: 'woodpecker-oauth',
      keys: ['client-id', 'client-secret'],
      provenance: 'forge-setup',
      purpose: "Woodpecker's OAuth2 application in the forge: people log in with their forge account",
    },
    internal: {
      namespace,
      name: 'woodpecker-internal',
      keys: ['agent-secret', 'grpc-secret'],
      provenance: 'generated',
      purpose: 'lets agents connect to the Woodpecker server',
    },
  };
}
