import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import { systems } from '../../../systems/index.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { describeObject } from '../../support/references.ts';
import { objectsIn, renderedFiles } from '../../support/rendered.ts';

const crds = [
  'actions-runner-controller',
  'argo-cd',
  'argo-events',
  'argo-workflows',
  'cert-manager',
  'gateway-api',
  'kargo',
  'kpack',
  'traefik',
];

/** Namespaces first, as the install does; the other files in the order of their paths. */
function inOrder(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const isNamespace = (object: KubernetesObject) => object.kind === 'Namespace';
  return [...objects.filter(isNamespace), ...objects.filter((object) => !isNamespace(object))];
}

async function versions(plane: Plane, objects: readonly KubernetesObject[]): Promise<Map<string, string>> {
  const text = objects.map((object) => JSON.stringify({ ...object, spec: undefined, data: undefined })).join('\n---\n');
  const result = await plane.kubectl(['get', '-f', '-', '-o', 'json', '--ignore-not-found'], text);
  if (result.code !== 0) throw new Error(result.stderr);
  const parsed = JSON.parse(result.stdout) as { items?: KubernetesObject[] };
  return new Map((parsed.items ?? []).map((item) => [`${item.apiVersion} ${describeObject(item)}`, stateOf(item)]));
}

/**
 * The resourceVersion of an object. The API server writes a claim a second time at its second apply, with the same content;
 * for a claim the content counts.
 */
function stateOf(object: KubernetesObject): string {
  const { resourceVersion, ...metadata } = object.metadata as KubernetesObject['metadata'] & {
    resourceVersion?: string;
  };
  return object.kind === 'PersistentVolumeClaim' ? JSON.stringify({ ...object, metadata }) : String(resourceVersion);
}

describe.each(systems.map((system) => system.name))('%s on a real API server', (name) => {
  const objects = inOrder(objectsIn(renderedFiles(name)));
  let plane: Plane;

  beforeAll(async () => {
    // Without controllers nothing but the apply itself changes an object.
    plane = await startPlane({ crds, controllers: false });
    const made = new Set(objects.filter((object) => object.kind === 'Namespace').map((object) => object.metadata.name));
    const others = new Set(
      objects.flatMap((object) => object.metadata.namespace ?? []).filter((namespace) => !made.has(namespace)),
    );
    await plane.apply(
      [...others].map((namespace) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })),
    );
  });
  afterAll(() => plane?.stop());

  test('accepts every object in install order, and a second apply changes nothing', async () => {
    expect(objects.length).toBeGreaterThan(0);
    await plane.apply(objects, { as: 'pipelines-set-up' });
    const first = await versions(plane, objects);
    expect(first.size).toBe(objects.length);
    await plane.apply(objects, { as: 'pipelines-set-up' });
    expect(await versions(plane, objects)).toEqual(first);
  });
});
