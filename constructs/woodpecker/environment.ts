import type { EnvVar } from '../../imports/k8s.ts';
import type { SecretRef } from '../../model/secret-ref.ts';

/**
 * Environment variables in a fixed order. A value `undefined` leaves the variable out; an empty text sets it to nothing,
 * which Woodpecker reads as a choice of its own.
 */
export function environment(values: Readonly<Record<string, string | number | boolean | undefined>>): EnvVar[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: String(value) }],
  );
}

/**
 * A variable that is read from a Secret.
 *
 * @throws if the Secret is not declared with that key
 */
export function secretVariable(name: string, secret: SecretRef, key: string): EnvVar {
  if (!secret.keys.includes(key))
    throw new Error(`Secret ${secret.namespace}/${secret.name} is not declared with a key ${key}`);
  return { name, valueFrom: { secretKeyRef: { name: secret.name, key } } };
}
