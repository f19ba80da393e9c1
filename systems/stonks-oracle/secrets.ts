import { stateKeySecret } from '../../constructs/state/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { type DeliverySecrets, deliverySecrets } from '../stonks/secrets.ts';
import type { Settings } from './settings.ts';

/** Every Secret that more than one part of the system has to name. */
export interface StonksSecrets extends DeliverySecrets {
  /** The forge user that anchors the head of the audit chain outside the volume. */
  readonly audit: SecretRef;
  readonly stateKeys: DeliverySecrets['stateKeys'] & { readonly woodpecker: SecretRef; readonly setUp: SecretRef };
}

export function stonksSecrets({ namespaces, promotion, forge, registry }: Settings): StonksSecrets {
  const repository = (name: string) => ({ name, url: `${forge.url}/${forge.owner}/${name}.git` });
  const delivery = deliverySecrets({
    namespaces,
    project: promotion.project,
    login: 'gitea',
    forgeSecrets: 'forge-setup',
    repositories: {
      application: repository(forge.applicationRepository),
      pipelines: repository(forge.pipelinesRepository),
    },
    registry: registry.credentials ? `${registry.host}/${registry.path}` : undefined,
  });
  return {
    ...delivery,
    audit: {
      namespace: namespaces.kargo,
      name: 'audit-anchor',
      keys: ['username', 'password'],
      provenance: 'forge-setup',
      purpose: 'lets the audit recorder write the head of its chain to branch `audit` of the repository of pipelines',
    },
    stateKeys: {
      ...delivery.stateKeys,
      woodpecker: stateKeySecret(namespaces.woodpecker),
      setUp: stateKeySecret(namespaces.setUp),
    },
  };
}

/** Secrets that a person may give before the install; the pipeline does without the mirror's. */
export function providedSecrets({ namespaces, registry }: Settings): {
  readonly mirror: SecretRef;
  readonly registry?: SecretRef;
} {
  return {
    mirror: {
      namespace: namespaces.setUp,
      name: 'github-mirror',
      keys: ['token'],
      provenance: 'provided',
      optional: true,
      purpose: 'pushes branches and tags to the public mirror; without it the mirror step says so and stops',
    },
    registry: registry.credentials
      ? {
          namespace: namespaces.setUp,
          name: 'registry',
          keys: ['username', 'password'],
          provenance: 'provided',
          purpose: `log-in to ${registry.host}`,
        }
      : undefined,
  };
}
