import { expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { bytes, milliCpu, requestsOf, writeInventory } from '../../../constructs/inventory/index.ts';
import { KubeDeployment, KubePersistentVolume, Quantity } from '../../../imports/k8s.ts';

function deployment(replicas: number) {
  const output = new SystemOutput('sample');
  new KubeDeployment(output.chart('gitops/app', { namespace: 'apps' }), 'App', {
    metadata: { name: 'app' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'a' } },
      template: {
        metadata: { labels: { app: 'a' } },
        spec: {
          containers: [
            {
              name: 'a',
              image: 'registry.example/a:1',
              resources: { requests: { cpu: Quantity.fromString('250m'), memory: Quantity.fromString('1Gi') } },
            },
            {
              name: 'b',
              image: 'registry.example/b:1',
              resources: { requests: { cpu: Quantity.fromString('1'), memory: Quantity.fromString('512Mi') } },
            },
          ],
        },
      },
    },
  });
  return output;
}

test('requests are those of all containers of all replicas', () => {
  const [object] = deployment(2)
    .files()
    .flatMap((file) => file.objects);
  expect(requestsOf(object!)).toEqual({ milliCpu: 2500, bytes: 3 * 2 ** 30 });
});

test.each([
  ['250m', 250],
  ['2', 2000],
  [undefined, 0],
])('%s of CPU are %i thousandths', (quantity, expected) => {
  expect(milliCpu(quantity)).toBe(expected);
});

test('a size in an unknown unit is refused', () => {
  expect(() => bytes('5 apples')).toThrow('"5 apples" is no size');
});

test('the inventory lists files, requests, images, secrets and volumes of what was rendered', () => {
  const output = deployment(1);
  new KubePersistentVolume(output.chart('install/volumes'), 'Volume', {
    metadata: { name: 'state' },
    spec: { capacity: { storage: Quantity.fromString('5Gi') }, nfs: { server: '192.0.2.1', path: '/state' } },
  });
  writeInventory(output, {
    title: 'Sample',
    description: 'A sample.',
    secrets: [
      { namespace: 'apps', name: 'token', keys: ['token'], provenance: 'provided', purpose: 'reads something' },
      { namespace: 'apps', name: 'more', keys: ['a'], provenance: 'provided', optional: true, purpose: 'more' },
    ],
    stages: [
      { name: 'ci', kind: 'ci', enabled: false, promotion: 'automatic' },
      { name: 'beta', kind: 'deploy', enabled: true, promotion: 'automatic', namespace: 'apps' },
      {
        name: 'live',
        kind: 'deploy',
        enabled: true,
        promotion: 'manual',
        namespace: 'production',
        gate: {
          window: { timeZone: 'America/New_York', days: ['Mon'], from: '09:30', to: '16:00' },
          approvers: ['email:alice@example.org'],
          breakGlass: { actors: ['email:bob@example.org'], minimumJustification: 15, startWithinMinutes: 30 },
        },
      },
    ],
  });
  const text = output.files().find((file) => file.path === 'README.md')?.content ?? '';
  expect(text).toContain('| gitops/app.yaml | Deployment |');
  expect(text).toContain('| apps | 1250m | 1536Mi |');
  expect(text).toContain('| `registry.example/a:1` |');
  expect(text).toContain('| apps/token | token | you, before the install | reads something |');
  expect(text).toContain('| state | 192.0.2.1:/state | 5Gi |');
  expect(text).toContain('registry["registry"] -- automatic --> stage_beta["stage beta"]');
  expect(text).toContain('| apps/more | a | you, if you want it | more |');
  expect(text).toContain('stage_beta["stage beta"] -- window, approver --> stage_live["stage live"]');
  expect(text).toContain(
    '| ci (switched off) | waits for the evidence of the build | by itself | never | optional |  |',
  );
  expect(text).toContain('| beta | deploys to apps | by itself | never | optional |  |');
  expect(text).toContain(
    '| live | deploys to production | by email:alice@example.org | 09:30-16:00 America/New_York, Mon | optional | email:bob@example.org |',
  );
  expect(text).toContain('Switched off, and bypassed: ci.');
});
