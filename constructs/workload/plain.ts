import { IntOrString, Quantity } from '../../imports/k8s.ts';

/**
 * Typed values as plain data: quantities and ports become the text or number they stand for. For objects whose CRD accepts
 * anything: nothing else converts what is inside them.
 */
export function plainData<T>(value: T): T {
  return plain(value) as T;
}

function plain(value: unknown): unknown {
  if (value instanceof Quantity || value instanceof IntOrString) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, plain(item)]),
  );
}
