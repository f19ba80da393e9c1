import type { SecretRef } from '../../model/secret-ref.ts';
import { kargoKey, sharedResourcesNamespace } from './names.ts';

export interface KargoSecretsProps {
  /** Kargo's own namespace. */
  readonly namespace: string;
  /** The project, which is also its namespace. */
  readonly project: string;
  /** Address of the repository of promotions, byte-equal in every use. R25.1 */
  readonly promotions: string;
  /** Log-in of people through which forge; leaves out its Secret where there is none. @default - none */
  readonly login?: 'gitea' | 'github';
  /** Who writes the Secrets that only the forge's owner can make: a set-up program, or a person. @default 'forge-setup' */
  readonly forgeSecrets?: 'forge-setup' | 'provided';
  /** Web hook of a pipeline. @default false */
  readonly receiver?: boolean;
  /** Registry that needs credentials. @default - none: the registry is open (R10.2) */
  readonly registry?: string;
}

/** Names of Kargo's Secrets. */
export const kargoSecretName = {
  admin: 'kargo-admin-account',
  login: { gitea: 'kargo-dex-gitea', github: 'kargo-dex-github' },
  git: 'pipelines-git',
  status: 'commit-status',
  receiver: 'build-webhook',
  registry: 'registry',
} as const;

/**
 * The Secrets that Kargo needs, by name. The password of the Git user lies in Kargo's namespace for shared resources, which no
 * role of a project can read.
 */
export function kargoSecrets(props: KargoSecretsProps): readonly SecretRef[] {
  const generic = { [kargoKey.credentialType]: 'generic' };
  const provenance = props.forgeSecrets ?? 'forge-setup';
  return [
    {
      namespace: props.namespace,
      name: kargoSecretName.admin,
      keys: ['password', 'ADMIN_ACCOUNT_PASSWORD_HASH', 'ADMIN_ACCOUNT_TOKEN_SIGNING_KEY'],
      provenance: 'generated',
      purpose: "Kargo's shared admin account, for set-up and emergencies; the hash is bcrypt of password",
    },
    {
      namespace: sharedResourcesNamespace,
      name: kargoSecretName.git,
      keys: ['repoURL', 'username', 'password'],
      labels: { [kargoKey.credentialType]: 'git' },
      provenance,
      purpose: `lets Kargo push promotions to ${props.promotions}`,
    },
    {
      namespace: props.project,
      name: kargoSecretName.status,
      keys: ['token'],
      labels: generic,
      provenance,
      purpose: 'reads commit statuses, the evidence of a build',
    },
    ...(props.login !== undefined
      ? [
          {
            namespace: props.namespace,
            name: kargoSecretName.login[props.login],
            keys: ['clientID', 'clientSecret'],
            provenance,
            purpose: 'OAuth2 application of the forge for the log-in to Kargo',
          } as const,
        ]
      : []),
    ...(props.receiver
      ? [
          {
            namespace: props.project,
            name: kargoSecretName.receiver,
            keys: ['secret'],
            labels: generic,
            provenance: 'generated',
            purpose: 'secret part of the address by which a build tells Kargo to look for new images',
          } as const,
        ]
      : []),
    ...(props.registry === undefined
      ? []
      : [
          {
            namespace: sharedResourcesNamespace,
            name: kargoSecretName.registry,
            keys: ['repoURL', 'username', 'password'],
            labels: { [kargoKey.credentialType]: 'image' },
            provenance: 'provided',
            purpose: `lets Kargo list images of ${props.registry}`,
          } as const,
        ]),
  ];
}
