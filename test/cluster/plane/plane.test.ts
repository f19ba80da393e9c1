import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Plane, startPlane } from '../../support/plane.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await startPlane({ crds: ['kargo'] });
});
afterAll(() => plane?.stop());

test('the test control plane serves custom resources and applies like the set-up', async () => {
  await plane.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe', namespace: 'default' }, data: { a: 'b' } },
  ]);
  const { body } = await plane.request('GET', '/api/v1/namespaces/default/configmaps/probe');
  expect(body.metadata.managedFields[0].manager).toBe('argocd-controller');
  expect((await plane.request('GET', '/apis/kargo.akuity.io/v1alpha1/stages')).status).toBe(200);
});

test('a viewer of the test control plane has no rights', async () => {
  const answer = await plane.request('GET', '/api/v1/secrets', undefined, { token: 'viewer-token' });
  expect(answer.status).toBe(403);
});
