import type { SecretRef } from '../../model/secret-ref.ts';
import { argoCdSecretName } from './helm-values.ts';

/** Argo CD looks only at Secrets with this label. */
const partOfArgoCd = { 'app.kubernetes.io/part-of': 'argocd' };

/** A repository that Argo CD reads. */
export interface Repository {
  /** Name of its Secret, for example `repository-stonks-oracle`. */
  readonly secret: string;
  /** Address, byte-equal to the one in Applications. R25.1 */
  readonly url: string;
}

export interface ArgoCdSecretsProps {
  /** Argo CD's namespace. */
  readonly namespace: string;
  readonly repositories: readonly Repository[];
  /** Secret of the log-in, see `OidcLogin`. @default - none */
  readonly login?: string;
  /** Who writes the Secrets that only the forge's owner can make: a set-up program, or a person. @default 'forge-setup' */
  readonly forgeSecrets?: 'forge-setup' | 'provided';
}

/** The Secrets that Argo CD needs, by name. R25.1 */
export function argoCdSecrets(props: ArgoCdSecretsProps): readonly SecretRef[] {
  const provenance = props.forgeSecrets ?? 'forge-setup';
  return [
    {
      namespace: props.namespace,
      name: argoCdSecretName,
      keys: ['password', 'admin.password', 'server.secretkey', 'webhook.gogs.secret'],
      labels: { ...partOfArgoCd, 'app.kubernetes.io/name': argoCdSecretName },
      provenance: 'generated',
      purpose: "Argo CD's admin account (admin.password is bcrypt of password), session key and the forge's web hook",
    },
    ...props.repositories.map(
      (repository): SecretRef => ({
        namespace: props.namespace,
        name: repository.secret,
        keys: ['type', 'url', 'username', 'password'],
        labels: { 'argocd.argoproj.io/secret-type': 'repository' },
        provenance,
        purpose: `lets Argo CD read ${repository.url}`,
      }),
    ),
    ...(props.login === undefined
      ? []
      : [
          {
            namespace: props.namespace,
            name: props.login,
            keys: ['clientID', 'clientSecret'],
            labels: partOfArgoCd,
            provenance,
            purpose: 'OAuth2 application of the forge for the log-in to Argo CD',
          },
        ]),
  ];
}
