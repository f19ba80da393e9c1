import { describe, expect, test } from 'vitest';
import {
  ImageWarehouse,
  KargoNamespaces,
  KargoNetwork,
  KargoProject,
  KargoProjectConfig,
  KargoRole,
  kargoPods,
  kargoSecrets,
} from '../../../constructs/kargo/index.ts';
import { allowPattern, tagPolicy } from '../../../model/tag-policy.ts';
import { objectsOf, only, part } from '../../support/chart.ts';
import { stages } from './example.ts';

const namespace = 'shop-ci';

test("the project's namespace is adopted by Kargo and outlives the Project", () => {
  const objects = objectsOf((chart) => new KargoNamespaces(chart, 'namespaces', { project: namespace }));
  expect(objects.map((object) => object.metadata.name)).toEqual(['kargo', 'kargo-shared-resources', namespace]);
  const { labels, annotations } = only(objects, 'Namespace', namespace).metadata;
  expect(labels).toMatchObject({
    'kargo.akuity.io/project': 'true',
    'pod-security.kubernetes.io/enforce': 'restricted',
  });
  expect(annotations).toMatchObject({ 'kargo.akuity.io/keep-namespace': 'true' });
});

test("Kargo's own namespace is restricted, unless the chart unpacks private CAs as root", () => {
  const level = (privateCa: boolean) =>
    part(
      only(
        objectsOf((chart) => new KargoNamespaces(chart, 'n', { project: namespace, privateCa })),
        'Namespace',
        'kargo',
      ),
      'metadata',
      'labels',
      'pod-security.kubernetes.io/enforce',
    );
  expect([level(false), level(true)]).toEqual(['restricted', 'baseline']);
});

test('the Project is cluster-scoped and never pruned', () => {
  const objects = objectsOf(
    (chart) => new KargoProject(chart, 'project', { name: namespace, description: 'The shop' }),
    { namespace },
  );
  const { metadata } = only(objects, 'Project');
  expect(metadata.namespace).toBeUndefined();
  expect(metadata.annotations?.['argocd.argoproj.io/sync-options']).toBe('Prune=false,Delete=false');
});

describe('the Warehouse', () => {
  const warehouse = only(
    objectsOf((chart) => {
      new ImageWarehouse(chart, 'warehouse', {
        name: 'shop-images',
        image: 'registry.example.org/shop/api',
        tagPattern: allowPattern(tagPolicy('commit-sha')),
      });
    }),
    'Warehouse',
  );
  const patterns = part<string[]>(warehouse, 'spec', 'subscriptions', 0, 'image', 'allowTagsRegexes');

  test('makes Freight of every new build by itself', () => {
    expect(part(warehouse, 'spec', 'freightCreationPolicy')).toBe('Automatic');
    expect(part(warehouse, 'spec', 'subscriptions', 0, 'image', 'repoURL')).toBe('registry.example.org/shop/api');
    expect(part(warehouse, 'spec', 'interval')).toBe('1m');
  });

  test('takes tags of whole commits and no others', () => {
    const taken = (tag: string) => patterns.some((pattern) => new RegExp(pattern).test(tag));
    expect(taken('0123456789abcdef0123456789abcdef01234567')).toBe(true);
    expect(taken('1'.repeat(40))).toBe(true);
    for (const tag of ['latest', 'abc1234', 'A'.repeat(40), `${'a'.repeat(40)}-x`, `x${'a'.repeat(40)}`]) {
      expect(taken(tag), tag).toBe(false);
    }
  });
});

describe('the ProjectConfig', () => {
  const config = (...disabled: string[]) =>
    only(
      objectsOf((chart) => {
        new KargoProjectConfig(chart, 'config', {
          project: namespace,
          stages: stages(...disabled),
          stageLinks: [{ title: 'History', url: 'https://kargo.example.org/desk/{{ .stage.metadata.name }}' }],
          receiver: { name: 'build', secret: 'build-webhook', warehouse: 'shop-images' },
        });
      }),
      'ProjectConfig',
    );
  const automatic = (...disabled: string[]) =>
    part<{ stageSelector: { name: string }; autoPromotionEnabled: boolean }[]>(
      config(...disabled),
      'spec',
      'promotionPolicies',
    )
      .filter((policy) => policy.autoPromotionEnabled)
      .map((policy) => policy.stageSelector.name);

  test('promotes automatically to the stages that are set so, and to no disabled one', () => {
    expect(automatic()).toEqual(['ci', 'beta']);
    expect(automatic('beta')).toEqual(['ci']);
  });

  test('speaks about every stage: one without a policy could be switched to automatic by another rule', () => {
    expect(part<unknown[]>(config(), 'spec', 'promotionPolicies')).toHaveLength(4);
  });

  test('comes after everything else', () => {
    expect(config().metadata.annotations?.['argocd.argoproj.io/sync-wave']).toBe('20');
  });

  test('links every stage to its history and lets a build refresh the Warehouse', () => {
    expect(part(config(), 'spec', 'stageLinks', 0, 'url')).toContain('{{ .stage.metadata.name }}');
    expect(part(config(), 'spec', 'webhookReceivers', 0)).toEqual({
      name: 'build',
      generic: {
        secretRef: { name: 'build-webhook' },
        actions: [{ action: 'Refresh', targetSelectionCriteria: [{ kind: 'Warehouse', name: 'shop-images' }] }],
      },
    });
  });
});

describe('roles', () => {
  const role = (promote: readonly string[]) =>
    objectsOf(
      (chart) => {
        new KargoRole(chart, 'role', {
          name: 'operators',
          description: 'Promote to beta and paper',
          claims: { groups: ['ops'], email: ['bob@example.org', 'ada@example.org', 'bob@example.org'] },
          promote,
        });
      },
      { namespace },
    );
  interface Rule {
    readonly resources: string[];
    readonly resourceNames?: string[];
    readonly verbs: string[];
  }
  const rules = (promote: readonly string[]) => part<Rule[]>(only(role(promote), 'Role'), 'rules');

  test('belong to people by their claims', () => {
    const account = only(role(['beta']), 'ServiceAccount');
    expect(account.metadata.annotations?.['rbac.kargo.akuity.io/claims']).toBe(
      '{"email":["ada@example.org","bob@example.org"],"groups":["ops"]}',
    );
    expect(account.automountServiceAccountToken).toBe(false);
    // Kargo's dashboard edits roles with this mark; ours are decided in the settings.
    expect(account.metadata.annotations).not.toHaveProperty('rbac.kargo.akuity.io/managed');
  });

  test('promote to the stages they name and to no other', () => {
    const promoting = rules(['beta', 'paper']).filter((rule) => rule.verbs.includes('promote'));
    expect(promoting).toEqual([
      {
        apiGroups: ['kargo.akuity.io'],
        resources: ['stages'],
        resourceNames: ['beta', 'paper'],
        verbs: ['promote'],
      },
    ]);
  });

  test('without a stage only read', () => {
    expect([...new Set(rules([]).flatMap((rule) => rule.verbs))]).toEqual(['get', 'list', 'watch']);
  });

  test('never read Secrets, and never edit the pipeline or the evidence', () => {
    const writes = rules(['live']).filter((rule) =>
      rule.verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)),
    );
    expect(writes.flatMap((rule) => rule.resources)).toEqual(['stages', 'promotions']);
    expect(rules(['live']).flatMap((rule) => rule.resources)).not.toContain('secrets');
  });

  test('of Kargo itself, or for nobody, are refused', () => {
    const make = (name: string, claims: Record<string, string[]>) => () =>
      objectsOf((chart) => new KargoRole(chart, 'r', { name, description: '', claims, promote: [] }), { namespace });
    expect(make('kargo-promoter', { email: ['a'] })).toThrow('choose another name');
    expect(make('ops', { email: [] })).toThrow('for nobody');
  });
});

test('nothing gets into the namespace but by the known ways', () => {
  const policies = objectsOf((chart) => new KargoNetwork(chart, 'network'), { namespace: 'kargo' });
  expect(policies.map((policy) => policy.metadata.name)).toEqual([
    'default-deny-ingress',
    'kargo-api',
    'kargo-external-webhooks',
    'kargo-admission-webhooks',
    'kargo-dex',
  ]);
  const hooks = only(policies, 'NetworkPolicy', 'kargo-admission-webhooks');
  expect(part(hooks, 'spec', 'ingress')).toEqual([{ ports: [{ protocol: 'TCP', port: 9443 }] }]);
  expect(part(hooks, 'spec', 'podSelector', 'matchLabels')).toEqual(kargoPods('kubernetes-webhooks-server'));
});

test('Secrets are named once each, and the password for Git lies outside of the project', () => {
  const secrets = kargoSecrets({
    namespace: 'kargo',
    project: namespace,
    promotions: 'http://forge/pipelines.git',
    login: 'gitea',
    receiver: true,
    registry: 'registry.example.org',
  });
  const names = secrets.map((secret) => `${secret.namespace}/${secret.name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(secrets.filter((secret) => secret.keys.includes('password')).map((secret) => secret.namespace)).not.toContain(
    namespace,
  );
});
