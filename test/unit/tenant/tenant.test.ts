import { describe, expect, test } from 'vitest';
import { RootApplication } from '../../../constructs/argo-cd/index.ts';
import { PythonBuildpack } from '../../../constructs/buildpack/index.ts';
import { ReplicatedSecret, TenantLimits, TenantPeople } from '../../../constructs/tenant/index.ts';
import type { SecretRef } from '../../../model/secret-ref.ts';
import { objectsOf, only, part } from '../../support/chart.ts';

const source: SecretRef = {
  namespace: 'control',
  name: 'login',
  keys: ['username', 'password'],
  type: 'kubernetes.io/basic-auth',
  provenance: 'provided',
  purpose: 'x',
};

describe('a copied Secret', () => {
  test('names the namespaces of its copies, sorted, and carries neither values nor a type', () => {
    const copied = only(
      objectsOf((chart) => new ReplicatedSecret(chart, 'S', { source, namespaces: ['b', 'a'] })),
      'Secret',
    );
    expect(copied.metadata).toMatchObject({
      name: 'login',
      namespace: 'control',
      annotations: { 'replicator.v1.mittwald.de/replicate-to': 'a,b' },
    });
    expect(Object.keys(copied).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
  });

  test('that nobody reads is refused', () => {
    expect(() => objectsOf((chart) => new ReplicatedSecret(chart, 'S', { source, namespaces: [] }))).toThrow(
      /no namespace reads a copy/,
    );
  });
});

describe('people of a tenant', () => {
  const make = (purpose: 'builds' | 'applications') =>
    objectsOf(
      (chart) => new TenantPeople(chart, 'P', { purpose, groups: { admins: ['boss'], developers: ['dev', 'qa'] } }),
      {
        namespace: 'ci-x',
      },
    );

  test('are their groups, for the cluster and for the workflow UI alike', () => {
    const account = only(make('builds'), 'ServiceAccount', 'project-developer');
    expect(account.metadata.annotations).toMatchObject({
      'workflows.argoproj.io/rbac-rule': "'dev' in groups || 'qa' in groups",
      'workflows.argoproj.io/rbac-rule-precedence': '1',
    });
    const subjects = part<Array<{ kind: string; name: string }>>(
      only(make('builds'), 'RoleBinding', 'project-developer'),
      'subjects',
    );
    expect(subjects.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'ServiceAccount project-developer',
      'Group dev',
      'Group qa',
    ]);
  });

  test.each(['builds', 'applications'] as const)('read no Secret and write no rights where %s run', (purpose) => {
    for (const name of ['project-admin', 'project-developer']) {
      const rules = JSON.stringify(part(only(make(purpose), 'Role', name), 'rules'));
      expect(rules).not.toMatch(/secrets|rbac|"\*"/);
    }
  });
});

test('a namespace with a quota gives a container that asks for nothing something', () => {
  const objects = objectsOf(
    (chart) => new TenantLimits(chart, 'L', { cpu: '4', memory: '8Gi', pods: 20, storage: '1Gi' }),
    {
      namespace: 'snd-x',
    },
  );
  expect(part(only(objects, 'ResourceQuota'), 'spec', 'hard')).toMatchObject({
    'requests.cpu': '4',
    'limits.memory': '8Gi',
    'services.loadbalancers': 0,
  });
  expect(part(only(objects, 'LimitRange'), 'spec', 'limits')).toMatchObject([
    { type: 'Container', default: { memory: '256Mi' } },
  ]);
});

test('the root Application leaves alone what builds write', () => {
  const root = only(
    objectsOf((chart) => {
      new RootApplication(chart, 'R', {
        name: 'root',
        project: 'root',
        repository: 'https://example.com/x.git',
        path: 'dist/x/gitops',
        leftAlone: [{ group: 'kpack.io', kind: 'Image', fields: ['/spec/additionalTags'] }],
      });
    }),
    'Application',
  );
  expect(part(root, 'spec', 'ignoreDifferences')).toEqual([
    { group: 'kpack.io', kind: 'Image', jsonPointers: ['/spec/additionalTags'] },
  ]);
  expect(part(root, 'spec', 'syncPolicy', 'syncOptions')).toContain('RespectIgnoreDifferences=true');
});

test('a buildpack without a version is refused', () => {
  expect(() => new PythonBuildpack({ id: 'x/y', version: 'latest', stackId: 's', repository: 'r' })).toThrow(
    /"latest" is no version/,
  );
});
