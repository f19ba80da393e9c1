import { argoCdSecrets } from '../../constructs/argo-cd/index.ts';
import { kargoSecretName, kargoSecrets } from '../../constructs/kargo/index.ts';
import { stateKeySecret } from '../../constructs/state/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import type { Settings } from './settings.ts';

/** Every Secret that more than one part of the system has to name. */
export interface StonksSecrets {
  readonly kargo: readonly SecretRef[];
  readonly kargoLogin: SecretRef;
  readonly kargoGit: SecretRef;
  readonly commitStatus: SecretRef;
  readonly argoCd: readonly SecretRef[];
  readonly applicationRepository: SecretRef;
  readonly pipelinesRepository: SecretRef;
  /** The forge user that anchors the head of the audit chain outside the volume. */
  readonly audit: SecretRef;
  /** The key of the snapshots; one value, in every namespace that reads or writes them. */
  readonly stateKeys: {
    readonly kargo: SecretRef;
    readonly argoCd: SecretRef;
    readonly woodpecker: SecretRef;
    readonly setUp: SecretRef;
  };
}

export function stonksSecrets({ namespaces, promotion, forge, registry }: Settings): StonksSecrets {
  const repository = (name: string) => `${forge.url}/${forge.owner}/${name}.git`;
  const kargo = kargoSecrets({
    namespace: namespaces.kargo,
    project: promotion.project,
    promotions: repository(forge.pipelinesRepository),
    login: 'gitea',
    registry: registry.credentials ? `${registry.host}/${registry.path}` : undefined,
  });
  const argoCd = argoCdSecrets({
    namespace: namespaces.argoCd,
    repositories: [forge.applicationRepository, forge.pipelinesRepository].map((name) => ({
      secret: `repository-${name}`,
      url: repository(name),
    })),
  });
  return {
    kargo,
    argoCd,
    kargoLogin: named(kargo, kargoSecretName.login.gitea),
    kargoGit: named(kargo, kargoSecretName.git),
    commitStatus: named(kargo, kargoSecretName.status),
    applicationRepository: named(argoCd, `repository-${forge.applicationRepository}`),
    pipelinesRepository: named(argoCd, `repository-${forge.pipelinesRepository}`),
    audit: {
      namespace: namespaces.kargo,
      name: 'audit-anchor',
      keys: ['username', 'password'],
      provenance: 'forge-setup',
      purpose: 'lets the audit recorder write the head of its chain to branch `audit` of the repository of pipelines',
    },
    stateKeys: {
      kargo: stateKeySecret(namespaces.kargo),
      argoCd: stateKeySecret(namespaces.argoCd),
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

function named(secrets: readonly SecretRef[], name: string): SecretRef {
  const found = secrets.find((secret) => secret.name === name);
  if (!found) throw new Error(`no Secret is called ${name}`);
  return found;
}
