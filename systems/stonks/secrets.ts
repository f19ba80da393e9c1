import { argoCdSecretName, argoCdSecrets } from '../../constructs/argo-cd/index.ts';
import { kargoSecretName, kargoSecrets } from '../../constructs/kargo/index.ts';
import { stateKeySecret } from '../../constructs/state/index.ts';
import type { SecretRecipes } from '../../model/install-plan/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';

/** What decides about the Secrets of the delivery half. */
export interface DeliverySecretFacts {
  readonly namespaces: { readonly argoCd: string; readonly kargo: string };
  readonly project: string;
  /** Through which forge people log in to Kargo. */
  readonly login: 'gitea' | 'github';
  /** Who makes the Secrets with the forge's tokens. */
  readonly forgeSecrets: 'forge-setup' | 'provided';
  readonly repositories: {
    readonly application: { readonly name: string; readonly url: string };
    readonly pipelines: { readonly name: string; readonly url: string };
  };
  /** Registry and path, where it needs a log-in. */
  readonly registry?: string;
}

/** The Secrets of the delivery half, and those that other parts have to name. */
export interface DeliverySecrets {
  readonly kargo: readonly SecretRef[];
  readonly kargoLogin: SecretRef;
  readonly kargoGit: SecretRef;
  readonly commitStatus: SecretRef;
  readonly argoCd: readonly SecretRef[];
  readonly applicationRepository: SecretRef;
  readonly pipelinesRepository: SecretRef;
  /** The key of the snapshots; one value, in every namespace that reads or writes them. */
  readonly stateKeys: { readonly kargo: SecretRef; readonly argoCd: SecretRef };
}

export function deliverySecrets(facts: DeliverySecretFacts): DeliverySecrets {
  const { namespaces, repositories, login, forgeSecrets } = facts;
  const kargo = kargoSecrets({
    namespace: namespaces.kargo,
    project: facts.project,
    promotions: repositories.pipelines.url,
    login,
    forgeSecrets,
    registry: facts.registry,
  });
  const argoCd = argoCdSecrets({
    namespace: namespaces.argoCd,
    forgeSecrets,
    repositories: [repositories.application, repositories.pipelines].map(({ name, url }) => ({
      secret: `repository-${name}`,
      url,
    })),
  });
  return {
    kargo,
    argoCd,
    kargoLogin: named(kargo, kargoSecretName.login[login]),
    kargoGit: named(kargo, kargoSecretName.git),
    commitStatus: named(kargo, kargoSecretName.status),
    applicationRepository: named(argoCd, `repository-${repositories.application.name}`),
    pipelinesRepository: named(argoCd, `repository-${repositories.pipelines.name}`),
    stateKeys: { kargo: stateKeySecret(namespaces.kargo), argoCd: stateKeySecret(namespaces.argoCd) },
  };
}

/** How generated Secrets come about where they are not simply random; `copies` get the key of Kargo's snapshots. */
export function deliveryRecipes(
  namespaces: DeliverySecretFacts['namespaces'],
  stateKey: SecretRef,
  copies: readonly SecretRef[],
): SecretRecipes {
  const key = `copy:${secretId(stateKey)}/key`;
  return {
    [`${namespaces.kargo}/${kargoSecretName.admin}`]: { ADMIN_ACCOUNT_PASSWORD_HASH: 'bcrypt:password' },
    [`${namespaces.argoCd}/${argoCdSecretName}`]: { 'admin.password': 'bcrypt:password' },
    ...Object.fromEntries(copies.map((copy) => [secretId(copy), { key }])),
  };
}

/** `namespace/name`. */
export function secretId(secret: SecretRef): string {
  return `${secret.namespace}/${secret.name}`;
}

function named(secrets: readonly SecretRef[], name: string): SecretRef {
  const found = secrets.find((secret) => secret.name === name);
  if (!found) throw new Error(`no Secret is called ${name}`);
  return found;
}
