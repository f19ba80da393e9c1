import { fileURLToPath } from 'node:url';
import type { KubernetesObject, RenderedFile } from '../../constructs/core/index.ts';
import { systems } from '../../systems/index.ts';
import { contextFrom } from '../../tools/render.ts';

/** The context that the program itself uses. */
export const context = contextFrom(fileURLToPath(new URL('../../build', import.meta.url)));

const cache = new Map<string, readonly RenderedFile[]>();

/** The files of a system as it is set; rendered once per test file. */
export function renderedFiles(system: string): readonly RenderedFile[] {
  const known = cache.get(system);
  if (known) return known;
  const files = systemNamed(system).render(context);
  cache.set(system, files);
  return files;
}

/** A system of the program. */
export function systemNamed(name: string) {
  const system = systems.find((candidate) => candidate.name === name);
  if (!system) throw new Error(`no system is called ${name}`);
  return system;
}

/** Every Kubernetes object of some files. */
export function objectsIn(files: readonly RenderedFile[]): readonly KubernetesObject[] {
  return files.flatMap((file) => file.objects);
}

/** One object by kind and name; throws where there is none or more than one. */
export function objectNamed(
  files: readonly RenderedFile[],
  kind: string,
  name: string,
  namespace?: string,
): KubernetesObject {
  const found = objectsIn(files).filter(
    (object) =>
      object.kind === kind &&
      object.metadata.name === name &&
      (namespace === undefined || object.metadata.namespace === namespace),
  );
  const only = found[0];
  if (!only || found.length > 1)
    throw new Error(`${found.length} objects are ${kind} ${namespace ? `${namespace}/` : ''}${name}`);
  return only;
}

/** The text of one file. */
export function fileText(files: readonly RenderedFile[], path: string): string {
  const file = files.find((candidate) => candidate.path === path);
  if (!file) throw new Error(`no file is called ${path}`);
  return file.content;
}
