import { expect, test } from 'vitest';
import { objectNamed, objectsIn, renderedFiles } from '../../support/rendered.ts';

const files = renderedFiles('stonks-oracle');
const volumes = objectsIn(files).filter(({ kind }) => kind === 'PersistentVolume');
const pathOf = (object: (typeof volumes)[number]) => (object.spec as { nfs: { path: string } }).nfs.path;

test('Argo CD, Kargo and Woodpecker each have a volume on the NFS share, kept for ever', () => {
  expect(volumes.map(({ metadata }) => metadata.name).sort()).toEqual([
    'pipeline-argocd-pv',
    'pipeline-kargo-pv',
    'pipeline-woodpecker-pv',
  ]);
  for (const volume of volumes) {
    expect(volume.spec).toMatchObject({
      nfs: { server: '192.168.42.8', path: expect.stringMatching(/^\/volume1\/Kubernetes\/pipelines\/[a-z]+$/) },
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
    });
  }
});

test('no volume lies inside another, and all lie below pipelines/', () => {
  const paths = volumes.map(pathOf);
  expect(new Set(paths).size).toBe(3);
  for (const path of paths) expect(paths.filter((other) => `${other}/`.startsWith(`${path}/`))).toEqual([path]);
});

test('every volume is claimed where it is used, and the directory job prepares it for its user', () => {
  for (const volume of volumes) {
    const { namespace, name } = (volume.spec as { claimRef: { namespace: string; name: string } }).claimRef;
    expect(objectNamed(files, 'PersistentVolumeClaim', name, namespace).spec).toMatchObject({
      volumeName: volume.metadata.name,
    });
  }
  const table = objectsIn(files).flatMap(({ kind, data }) =>
    kind === 'ConfigMap' ? ((data as Record<string, string>)['directories.tsv'] ?? []) : [],
  );
  expect(table).toHaveLength(1);
  const prepared = table
    .join('')
    .trim()
    .split('\n')
    .map((line) => line.split('\t')[0]);
  expect(prepared.sort()).toEqual(volumes.map((volume) => pathOf(volume).split('/').pop()).sort());
});

test('namespaces of the pipeline are its own, and none belongs to the application or the forge', () => {
  const made = objectsIn(files).flatMap(({ kind, metadata }) => (kind === 'Namespace' ? [metadata.name] : []));
  expect(made).toEqual(
    expect.arrayContaining(['woodpecker', 'woodpecker-steps', 'argocd', 'kargo', 'stonks-pipeline']),
  );
  expect(made).not.toContain('stonks-oracle');
  expect(made).not.toContain('git-server');
  const kindsIn = (namespace: string) =>
    new Set(objectsIn(files).flatMap(({ kind, metadata }) => (metadata.namespace === namespace ? [kind] : [])));
  expect([...kindsIn('stonks-oracle')]).toEqual([]);
  // The set-up configures the forge; nothing of the pipeline runs or stores anything there.
  expect(['Role', 'RoleBinding']).toEqual(expect.arrayContaining([...kindsIn('git-server')]));
});
