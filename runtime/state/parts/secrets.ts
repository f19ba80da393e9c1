import type { KubernetesClient } from '../../kubernetes/client.ts';
import { type KubernetesObject, SECRETS } from '../../kubernetes/resources.ts';

/** Secrets with their values; only ever written sealed. */
export interface SecretsState {
  format: 'secrets-state/1';
  secrets: KubernetesObject[];
}

type SecretName = { readonly namespace: string; readonly name: string };

/** Reads those of the Secrets that exist, without what ties them to one cluster. */
export async function readSecrets(
  client: KubernetesClient,
  names: readonly SecretName[],
): Promise<{ state: SecretsState; missing: string[] }> {
  const secrets: KubernetesObject[] = [];
  const missing: string[] = [];
  for (const { namespace, name } of names) {
    const secret = await client.find(SECRETS, name, namespace);
    if (secret === undefined) {
      missing.push(`Secret ${namespace}/${name}`);
      continue;
    }
    const { labels, annotations } = secret.metadata;
    secrets.push({ metadata: { name, namespace, labels, annotations }, type: secret.type, data: secret.data });
  }
  return { state: { format: 'secrets-state/1', secrets }, missing };
}

/** Makes the Secrets that the cluster lacks. One that exists is never touched, whatever it holds. */
export async function restoreSecrets(
  client: KubernetesClient,
  state: SecretsState,
  dryRun: boolean,
): Promise<{ made: string[]; kept: string[] }> {
  const made: string[] = [];
  const kept: string[] = [];
  for (const secret of state.secrets) {
    const { namespace, name } = secret.metadata;
    const known = await client.find(SECRETS, name ?? '', namespace);
    (known === undefined ? made : kept).push(`${namespace}/${name}`);
    if (known === undefined && !dryRun) await client.create(SECRETS, secret, { fieldManager: 'pipelines-set-up' });
  }
  return { made, kept };
}
