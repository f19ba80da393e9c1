import type { ConsumerSecret, OAuthApplication, ValueSource } from '../../model/forge-setup/settings.ts';
import type { SecretRef } from '../../model/secret-ref.ts';

/** An access token of a forge user. The same name gives the same token in every Secret that asks for it. */
export function forgeToken(user: string, name: string, scopes: readonly string[]): ValueSource {
  return { token: { user, name, scopes } };
}

/** A public text. */
export function literal(text: string): ValueSource {
  return { literal: text };
}

/**
 * A Secret that the forge set-up writes, with a source for each of its keys.
 *
 * @throws if a key has no source, or a source no key, or somebody else owns the Secret
 */
export function consumerSecret(ref: SecretRef, values: Readonly<Record<string, ValueSource>>): ConsumerSecret {
  refuseOtherOwner(ref);
  const missing = ref.keys.filter((key) => values[key] === undefined);
  const unknown = Object.keys(values).filter((key) => !ref.keys.includes(key));
  if (missing.length > 0) throw new Error(`Secret ${ref.namespace}/${ref.name}: no source for ${missing.join(', ')}`);
  if (unknown.length > 0) throw new Error(`Secret ${ref.namespace}/${ref.name} has no key ${unknown.join(', ')}`);
  return { namespace: ref.namespace, name: ref.name, ...(ref.labels ? { labels: ref.labels } : {}), values };
}

/** A Secret with user name and token of a forge user, for Git over HTTP. */
export function gitCredentials(
  ref: SecretRef,
  user: string,
  token: ValueSource,
  more: Readonly<Record<string, string>> = {},
): ConsumerSecret {
  const literals = Object.fromEntries(Object.entries(more).map(([key, value]) => [key, literal(value)]));
  return consumerSecret(ref, { ...literals, username: literal(user), password: token });
}

/**
 * An OAuth2 application of the forge whose id and secret go into a Secret with exactly these two keys.
 *
 * @throws if the Secret does not have two keys, id first
 */
export function oauthApplication(
  name: string,
  redirectUris: readonly string[],
  ref: SecretRef,
  restart?: OAuthApplication['restart'],
): OAuthApplication {
  refuseOtherOwner(ref);
  const [idKey, secretKey, ...others] = ref.keys;
  if (idKey === undefined || secretKey === undefined || others.length > 0) {
    throw new Error(
      `Secret ${ref.namespace}/${ref.name}: an OAuth2 application fills two keys, id and secret, in this order`,
    );
  }
  return {
    name,
    redirectUris,
    secret: {
      namespace: ref.namespace,
      name: ref.name,
      ...(ref.labels ? { labels: ref.labels } : {}),
      idKey,
      secretKey,
    },
    ...(restart === undefined ? {} : { restart }),
  };
}

function refuseOtherOwner(ref: SecretRef): void {
  if (ref.provenance === 'forge-setup') return;
  throw new Error(`Secret ${ref.namespace}/${ref.name} is ${ref.provenance}, so the forge set-up may not write it`);
}
