import type { SecretRef } from '../../model/secret-ref.ts';

/** Name of the Secret with the GitHub App that registers runners. */
export const runnerSecretName = 'github-runners';

/**
 * The GitHub App by which a scale set registers its runners. Only a person can make one: it needs the repository right
 * "Administration: read and write", and an installation on the repository.
 */
export function runnerSecret(namespace: string, repository: string): SecretRef {
  return {
    namespace,
    name: runnerSecretName,
    keys: ['github_app_id', 'github_app_installation_id', 'github_app_private_key'],
    provenance: 'provided',
    purpose: `GitHub App that registers runners for ${repository} (repository permission Administration: read and write)`,
  };
}
