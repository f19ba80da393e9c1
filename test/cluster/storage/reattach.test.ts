import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { NfsVolume } from '../../../constructs/storage/index.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { until } from '../../support/processes.ts';
import { objectsIn } from '../../support/rendered.ts';

const share = { server: '192.0.2.8', path: '/volume1/pipelines' };
const volumePath = '/api/v1/persistentvolumes/demo-pv';
const claimPath = '/api/v1/namespaces/demo/persistentvolumeclaims/demo-data';
const clearClaim = { spec: { claimRef: { uid: null, resourceVersion: null } } };

const output = new SystemOutput('demo');
new NfsVolume(output.chart('install/volume'), 'Data', {
  name: 'demo-pv',
  share,
  directory: 'demo',
  capacity: '5Gi',
  claim: { namespace: 'demo', name: 'demo-data' },
});
const objects = objectsIn(output.files());

let plane: Plane;
beforeAll(async () => {
  plane = await startPlane();
  await plane.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } }]);
  await plane.apply(objects);
});
afterAll(() => plane?.stop());

const phases = async () => {
  const [volume, claim] = await Promise.all([plane.request('GET', volumePath), plane.request('GET', claimPath)]);
  return `${volume.body.status?.phase} ${claim.body.status?.phase ?? 'no claim'}`;
};
const reach = (wanted: string) =>
  until(`volume and claim are ${wanted}`, async () => ((await phases()) === wanted ? true : undefined));
const patchVolume = () =>
  plane.request('PATCH', volumePath, clearClaim, { contentType: 'application/merge-patch+json' });

test('a volume whose claim is gone binds again after the documented patch, and only while it is Released', async () => {
  await reach('Bound Bound');
  const { body: bound } = await plane.request('GET', volumePath);
  expect(bound.spec).toMatchObject({
    persistentVolumeReclaimPolicy: 'Retain',
    mountOptions: ['hard', 'nfsvers=4.1'],
    nfs: { server: share.server, path: '/volume1/pipelines/demo' },
  });

  // The rebuild: the claim goes with its namespace's workloads, the volume stays.
  await plane.request('DELETE', claimPath);
  // No kubelet: the protection against deletion while a pod uses the claim has nothing to wait for.
  await reach('Released no claim');
  await plane.apply(objects);
  await reach('Released Pending');

  expect((await patchVolume()).status).toBe(200);
  await reach('Bound Bound');
});

test('the same patch on a Bound volume loses its claim: hence the check of the phase first', async () => {
  await reach('Bound Bound');
  await patchVolume();
  await until('the claim is Lost', async () => ((await phases()).endsWith('Lost') ? true : undefined));
});
