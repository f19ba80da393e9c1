import { describe, expect, test } from 'vitest';
import { settings } from '../../../systems/luban-ci/settings.ts';
import { lubanCi } from '../../../systems/luban-ci/system.ts';
import { context, fileText, objectsIn, renderedFiles } from '../../support/rendered.ts';

type Written = typeof settings;

const render = (change: (written: Written) => Written) =>
  lubanCi.render(context, (written) => change(written as Written));
const before = renderedFiles('luban-ci');
const pathsOf = (files: typeof before) => files.map((file) => file.path);
const added = (files: typeof before) => pathsOf(files).filter((path) => !pathsOf(before).includes(path));
const [payments] = settings.tenants;
if (payments === undefined) throw new Error('no tenant');

describe('what grows by a setting', () => {
  test('a tenant brings its namespaces, workflows, projects and limits', () => {
    const files = render((written) => ({
      ...written,
      tenants: [...written.tenants, { ...payments, name: 'search', owner: 'metasync-search' }],
    }));
    expect(added(files)).toEqual(
      expect.arrayContaining([
        'install/namespaces/search.yaml',
        'gitops/tenants/search/ci/workflows.yaml',
        'gitops/tenants/search/sandbox/argo-cd.yaml',
        'gitops/tenants/search/production/access.yaml',
        'scaffolds/search/ledger-gitops/app/base/workload.yaml',
      ]),
    );
    expect(fileText(files, 'install/secrets/copies.yaml')).toContain('ci-data,ci-payments,ci-search');
  });

  test('an application brings its image, its Applications and its scaffolds', () => {
    const files = render((written) => ({
      ...written,
      tenants: written.tenants.map((tenant) =>
        tenant.name === 'payments'
          ? {
              ...tenant,
              applications: [
                ...tenant.applications,
                { kind: 'web', name: 'refunds', port: 8000, health: '/ready', replicas: 1 } as const,
              ],
            }
          : tenant,
      ),
    }));
    const names = objectsIn(files).map((object) => `${object.kind}/${object.metadata.name}`);
    expect(names).toEqual(
      expect.arrayContaining(['Image/refunds', 'Application/snd-payments-refunds', 'Application/prd-payments-refunds']),
    );
    expect(added(files)).toContain('scaffolds/payments/refunds/main.py');
  });

  test('a code location is known to its Dagster in both environments', () => {
    const files = render((written) => ({
      ...written,
      tenants: written.tenants.map((tenant) =>
        tenant.name === 'data'
          ? {
              ...tenant,
              applications: [
                ...tenant.applications,
                { kind: 'code-location', name: 'costs', module: 'costs_pipelines' } as const,
              ],
            }
          : tenant,
      ),
    }));
    for (const environment of ['sandbox', 'production']) {
      const text = fileText(files, `gitops/tenants/data/${environment}/dagster.yaml`);
      expect(text).toContain('location_name: costs');
      expect(text).toContain('--target=costs:4443');
    }
  });

  test('a forge brings its event source, sensor, route and secret', () => {
    const files = render((written) => ({
      ...written,
      forges: [
        ...written.forges,
        {
          name: 'ghe',
          kind: 'github',
          url: 'https://git.metasync.cc',
          port: 14000,
          path: '/ghe/push',
          user: 'x',
        } as const,
      ],
    }));
    const names = objectsIn(files).map((object) => `${object.kind}/${object.metadata.name}`);
    expect(names).toEqual(
      expect.arrayContaining(['EventSource/ghe', 'Sensor/ghe', 'HTTPRoute/ghe-webhook', 'Service/ghe-webhook']),
    );
    expect(fileText(files, 'install/plan.tsv')).toContain('name=webhook-ghe');
  });

  test('a tenant moves to another forge by one setting', () => {
    const files = render((written) => ({
      ...written,
      tenants: written.tenants.map((tenant) =>
        tenant.name === 'payments' ? { ...tenant, forge: 'ado', owner: '', project: 'payments' } : tenant,
      ),
    }));
    expect(fileText(files, 'gitops/tenants/payments/ci/workflows.yaml')).toContain('secretName: forge-ado');
    expect(fileText(files, 'gitops/tenants/payments/sandbox/argo-cd.yaml')).toContain(
      'https://ado.metasync.cc/tfs/DefaultCollection/payments/_git/ledger-gitops',
    );
    expect(fileText(files, 'install/secrets/payments.yaml')).toContain('kpack.io/git: git@ado.metasync.cc');
  });

  test('a changed Dockerfile is another image everywhere at once', () => {
    const uv = { repository: 'ghcr.io/astral-sh/uv', tag: '0.10.5' };
    const files = render((written) => ({ ...written, stack: { ...written.stack, uv } }));
    const image = (all: typeof before) =>
      /luban-build:(\S+?)"?\n/.exec(fileText(all, 'gitops/control/kpack.yaml'))?.[1];
    expect(image(files)).not.toBe(image(before));
    expect(fileText(files, 'platform/stack/build-images.sh')).toContain(`luban-build:${image(files)} build.Dockerfile`);
  });
});

describe('what cannot work is refused, all at once', () => {
  test.each<[string, (written: Written) => Written, RegExp]>([
    ['an unknown forge', (w) => ({ ...w, tenants: [{ ...payments, forge: 'gitlab' }] }), /there is no forge gitlab/],
    ['a project on GitHub', (w) => ({ ...w, tenants: [{ ...payments, project: 'x' }] }), /github has no projects/],
    [
      'Azure without a project',
      (w) => ({ ...w, tenants: [{ ...payments, forge: 'azure' }] }),
      /azure-devops keeps repositories in projects/,
    ],
    ['two tenants of one name', (w) => ({ ...w, tenants: [payments, payments] }), /two entries have the name payments/],
    [
      'two endpoints on one path',
      (w) => ({ ...w, forges: w.forges.map((forge) => ({ ...forge, path: '/push' })) }),
      /two entries have the path \/push/,
    ],
    [
      'code locations without Dagster',
      (w) => ({ ...w, tenants: w.tenants.map((tenant) => ({ ...tenant, dagster: false })) }),
      /data has code locations and no Dagster/,
    ],
    [
      'a host that no listener takes',
      (w) => ({ ...w, hosts: { ...w.hosts, webhook: 'webhook.example.com' } }),
      /no listener of the gateway takes webhook.example.com/,
    ],
    [
      'a moving image',
      (w) => ({ ...w, stack: { ...w.stack, base: { ...w.stack.base, tag: 'latest' } } }),
      /changes by itself/,
    ],
  ])('%s', (_, change, problem) => {
    expect(() => render(change)).toThrow(problem);
  });
});
