import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import type { DeliverySettings } from '../../../model/delivery/index.ts';
import { setImage } from '../../../runtime/delivery/overlay.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { output } from '../../support/processes.ts';
import { podSpecsOf } from '../../support/references.ts';
import { fileText, objectsIn, renderedFiles } from '../../support/rendered.ts';
import { tool } from '../../support/tools.ts';

const files = renderedFiles('luban-ci');
const delivery = JSON.parse(fileText(files, 'delivery.json')) as DeliverySettings;
const overlays = delivery.applications.flatMap((application) =>
  Object.values(delivery.overlays).map((overlay) => [application.name, overlay, application] as const),
);

let folder: string;
let plane: Plane;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'overlays-'));
  for (const file of files.filter((candidate) => candidate.path.startsWith('scaffolds/'))) {
    const target = path.join(folder, file.path);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, file.content);
  }
  plane = await startPlane({ crds: ['cert-manager', 'gateway-api'], controllers: false });
  const namespaces = objectsIn(files).filter((object) => object.kind === 'Namespace');
  await plane.apply(namespaces);
  // Pods need an account, which a controller would make.
  await plane.apply(
    namespaces.map(({ metadata: { name } }) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    })),
  );
});
afterAll(async () => {
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function build(tenant: string, name: string, overlay: string): Promise<KubernetesObject[]> {
  const text = await output(tool('kustomize'), [
    'build',
    path.join(folder, 'scaffolds', tenant, `${name}-gitops`, overlay),
  ]);
  return loadAll(text) as KubernetesObject[];
}

describe.each(overlays)('%s, %s', (name, overlay, { tenant, image }) => {
  const namespace = `${overlay.endsWith('snd') ? 'snd' : 'prd'}-${tenant}`;

  test('builds, is accepted by the API server with its namespace, and passes Pod Security', async () => {
    await setImage(path.join(folder, 'scaffolds', tenant, `${name}-gitops`), overlay, {
      repository: image,
      tag: 'abc',
    });
    const objects = await build(tenant, name, overlay);
    expect(objects.length).toBeGreaterThan(5);
    for (const object of objects) expect(object.metadata.namespace).toBe(namespace);
    await plane.apply(objects, { dryRun: true });
    const deployment = objects.find(({ kind }) => kind === 'Deployment');
    const [pod] = deployment ? podSpecsOf(deployment) : [];
    expect(pod).toBeDefined();
    await plane.apply(
      [
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'judged', namespace },
          spec: { ...pod, serviceAccountName: 'default' },
        },
      ],
      {
        dryRun: true,
      },
    );
  });

  test('has the image that was deployed, and no other', async () => {
    const text = JSON.stringify((await build(tenant, name, overlay)).filter(({ kind }) => kind === 'Deployment'));
    expect(text).toContain(`"image":"${image}:abc"`);
    expect(text).not.toContain('"application"');
  });
});

test('runs of a code location use the image of its server', async () => {
  const text = JSON.stringify(await build('data', 'sales', 'app/overlays/prd'));
  expect(text).toContain('{"name":"DAGSTER_CURRENT_IMAGE","value":"harbor.luban.metasync.cc/data/sales:abc"}');
});

test('a changed value of the environment is another ConfigMap, so that the workload is rolled', async () => {
  const nameOf = (objects: readonly KubernetesObject[]) =>
    objects.find(({ kind }) => kind === 'ConfigMap')?.metadata.name;
  const before = nameOf(await build('payments', 'ledger', 'app/overlays/snd'));
  const base = path.join(folder, 'scaffolds/payments/ledger-gitops/app/base/kustomization.yaml');
  writeFileSync(
    base,
    fileText(files, 'scaffolds/payments/ledger-gitops/app/base/kustomization.yaml').replace(
      'APPLICATION=ledger',
      'APPLICATION=books',
    ),
  );
  const after = await build('payments', 'ledger', 'app/overlays/snd');
  expect(nameOf(after)).not.toBe(before);
  expect(JSON.stringify(after.find(({ kind }) => kind === 'Deployment'))).toContain(`"name":"${nameOf(after)}"`);
});
