import type { Chart } from 'cdk8s';
import { type KubernetesObject, SystemOutput } from '../../constructs/core/index.ts';

/** The objects that constructs make in a chart of their own. */
export function objectsOf(
  make: (chart: Chart) => void,
  options: { readonly namespace?: string } = {},
): readonly KubernetesObject[] {
  const output = new SystemOutput('example');
  make(output.chart('example', options));
  return output.files().flatMap((file) => file.objects);
}

/** A part of an object that a test knows the shape of. */
export function part<Shape>(value: unknown, ...path: readonly (string | number)[]): Shape {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !(step in at)) throw new Error(`nothing at ${path.join('.')}`);
    at = (at as Record<string | number, unknown>)[step];
  }
  return at as Shape;
}

/** The only object of a kind, by name where there are several. */
export function only(objects: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  const [object] = found;
  if (object === undefined || found.length > 1) throw new Error(`${found.length} objects are ${kind} ${name ?? ''}`);
  return object;
}
