import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import { systems } from '../../../systems/index.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { until } from '../../support/processes.ts';
import { describeObject, podSpecsOf } from '../../support/references.ts';
import { objectsIn, renderedFiles } from '../../support/rendered.ts';

// The API server's own Pod Security admission judges every pod that a rendered workload would start.
let plane: Plane;
beforeAll(async () => {
  plane = await startPlane();
});
afterAll(() => plane?.stop());

const level = 'pod-security.kubernetes.io/enforce';

/** Systems that start pods themselves; the others render for engines alone. */
const withPods = systems
  .map(({ name }) => name)
  .filter((name) => objectsIn(renderedFiles(name)).some((object) => podSpecsOf(object).length > 0));

test.each(withPods)('%s: every pod passes the Pod Security level of its namespace', async (name) => {
  const objects = objectsIn(renderedFiles(name));
  const workloads = objects.filter((object) => podSpecsOf(object).length > 0);
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
  const declared = new Map(ofKind('Namespace').map((object) => [object.metadata.name, object]));
  const namespaces = [...new Set(workloads.map(({ metadata }) => metadata.namespace ?? 'default'))].map(
    (namespace) =>
      declared.get(namespace) ??
      ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } as KubernetesObject),
  );
  const used = new Set(namespaces.map(({ metadata }) => metadata.name));
  const accounts = ofKind('ServiceAccount').filter(({ metadata }) => used.has(metadata.namespace ?? ''));
  await plane.apply([...namespaces, ...accounts]);
  for (const namespace of used) {
    await until(`the default account of ${namespace} exists`, async () => {
      const { status } = await plane.request('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
      return status === 200 ? true : undefined;
    });
  }

  const refusals: string[] = [];
  for (const workload of workloads) {
    for (const spec of podSpecsOf(workload)) {
      const { metadata } = workload;
      const answer = await plane.request(
        'POST',
        `/api/v1/namespaces/${metadata.namespace ?? 'default'}/pods?dryRun=All`,
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'probe' },
          spec,
        },
      );
      if (answer.status !== 201) refusals.push(`${describeObject(workload)}: ${answer.body.message}`);
    }
  }
  expect(refusals).toEqual([]);
});

test('the levels are enforced: a privileged pod is refused where the pipeline itself runs', async () => {
  const restricted = objectsIn(renderedFiles('stonks-oracle')).filter(
    ({ kind, metadata }) => kind === 'Namespace' && metadata.labels?.[level] === 'restricted',
  );
  expect(restricted.length).toBeGreaterThan(0);
  await plane.apply(restricted);
  for (const { metadata } of restricted) {
    const path = `/api/v1/namespaces/${metadata.name}`;
    await until(`the default account of ${metadata.name} exists`, async () => {
      const { status } = await plane.request('GET', `${path}/serviceaccounts/default`);
      return status === 200 ? true : undefined;
    });
    const container = { name: 'c', image: 'example.org/x:1', securityContext: { privileged: true } };
    const answer = await plane.request('POST', `${path}/pods?dryRun=All`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'probe' },
      spec: { containers: [container] },
    });
    expect(answer.status).toBe(403);
    expect(answer.body.message).toContain('violates PodSecurity');
  }
});
