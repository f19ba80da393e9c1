import type { SecretRef } from '../secret-ref.ts';
import type { Check, MakeSecret, Step } from './step.ts';

/** How some keys of Secrets come about, by `namespace/name`, where they are neither random nor provided. @see MakeSecret.keys */
export type SecretRecipes = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Jobs that find state which a lost Secret would open, by `namespace/name`. @see MakeSecret.stateProbe */
export type StateProbes = Readonly<Record<string, NonNullable<MakeSecret['stateProbe']>>>;

export interface SecretSteps {
  /** For the phase `preflight`: what a person has to provide. */
  readonly checks: readonly Check[];
  /** For any phase before their first use: what the script generates or takes over from the operator's folder. */
  readonly make: readonly MakeSecret[];
  /** For the phase `secrets`: what the forge set-up has to have made by then. */
  readonly expect: readonly Step[];
  /** Every Secret as `namespace/name`, for the teardown's `save-secrets`. */
  readonly names: readonly string[];
}

/** Key that the script draws by itself. */
const random = 'random';

/**
 * The steps that bring a system's Secrets about.
 *
 * @throws if a recipe or probe names a Secret or key that is not declared
 */
export function secretSteps(
  secrets: readonly SecretRef[],
  recipes: SecretRecipes = {},
  probes: StateProbes = {},
): SecretSteps {
  const byName = new Map(secrets.map((secret) => [`${secret.namespace}/${secret.name}`, secret]));
  for (const [name, keys] of Object.entries(recipes)) refuseUnknown(byName, name, Object.keys(keys));
  for (const name of Object.keys(probes)) refuseUnknown(byName, name, []);

  const of = (provenance: SecretRef['provenance']) =>
    [...byName].filter(([, secret]) => secret.provenance === provenance);
  const forge = of('forge-setup').map(([name]) => name);
  return {
    checks: of('provided').map(([id, { namespace, name, keys, purpose, optional }]) => ({
      verb: 'require-secret',
      namespace,
      name,
      keys: keys.filter((key) => recipes[id]?.[key] === undefined),
      purpose,
      ...(optional ? { required: false } : {}),
    })),
    make: [
      ...of('provided').map(([name, secret]) => makeStep(secret, 'provided', recipes[name] ?? {}, undefined)),
      ...of('generated').map(([name, secret]) => makeStep(secret, random, recipes[name] ?? {}, probes[name])),
    ],
    expect: forge.length === 0 ? [] : [{ verb: 'expect-secrets', names: forge }],
    names: [...byName.keys()],
  };
}

function makeStep(
  secret: SecretRef,
  usual: string,
  recipe: Readonly<Record<string, string>>,
  probe: MakeSecret['stateProbe'] | undefined,
): MakeSecret {
  // A key that is made of another one comes after it.
  const keys = secret.keys.map((key): [string, string] => [key, recipe[key] ?? usual]);
  const simple = keys.filter(([, how]) => !how.startsWith('bcrypt:'));
  const made = keys.filter(([, how]) => how.startsWith('bcrypt:'));
  return {
    verb: 'secret',
    namespace: secret.namespace,
    name: secret.name,
    ...(secret.optional ? { required: false } : {}),
    ...(secret.type === undefined ? {} : { type: secret.type }),
    ...(secret.labels === undefined ? {} : { labels: secret.labels }),
    keys: Object.fromEntries([...simple, ...made]),
    ...(probe === undefined ? {} : { stateProbe: probe }),
  };
}

function refuseUnknown(secrets: ReadonlyMap<string, SecretRef>, name: string, keys: readonly string[]): void {
  const secret = secrets.get(name);
  if (secret === undefined) throw new Error(`a recipe names the Secret ${name}, which is not declared`);
  for (const key of keys) {
    if (!secret.keys.includes(key)) throw new Error(`a recipe names key ${key}, which Secret ${name} does not have`);
  }
}
