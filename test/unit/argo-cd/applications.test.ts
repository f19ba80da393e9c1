import { describe, expect, test } from 'vitest';
import {
  ArgoCdIngress,
  ArgoCdNetwork,
  argoCdSecrets,
  DeliveryProject,
  everyKind,
  pipelineKinds,
  RootApplication,
  ShutDefaultProject,
  StageApplication,
  type StageApplicationProps,
  syncWave,
} from '../../../constructs/argo-cd/index.ts';
import { syncWindow } from '../../../model/promotion-window/index.ts';
import { objectsOf, only, part } from '../../support/chart.ts';

const forge = 'http://10.0.0.1:30300/apps';

const stage: StageApplicationProps = {
  name: 'shop-paper',
  project: 'shop',
  kargoProject: 'shop-ci',
  stage: 'paper',
  namespace: 'shop-paper',
  chart: { repository: `${forge}/shop.git`, path: 'infra/helm/shop', valueFiles: ['values.yaml', 'values-paper.yaml'] },
  promotions: { repository: `${forge}/pipelines.git` },
  values: { image: { registry: 'registry.example.org/shop' } },
};

function application(change: Partial<StageApplicationProps> = {}) {
  return only(
    objectsOf((chart) => new StageApplication(chart, 'stage', { ...stage, ...change }), { namespace: 'argocd' }),
    'Application',
  );
}

describe('the Application of a stage', () => {
  test('takes the chart from one repository and the promoted tag from the branch of its stage in another', () => {
    expect(part(application(), 'spec', 'sources')).toEqual([
      {
        repoURL: `${forge}/shop.git`,
        targetRevision: 'main',
        path: 'infra/helm/shop',
        helm: {
          ignoreMissingValueFiles: false,
          valueFiles: ['values.yaml', 'values-paper.yaml', '$promoted/values.yaml'],
          valuesObject: { image: { registry: 'registry.example.org/shop' } },
        },
      },
      { repoURL: `${forge}/pipelines.git`, targetRevision: 'stage/paper', ref: 'promoted' },
    ]);
  });

  test('may be updated by its own Kargo stage only', () => {
    expect(application().metadata.annotations?.['kargo.akuity.io/authorized-stage']).toBe('shop-ci:paper');
  });

  test('follows commits to the chart, heals nothing and prunes nothing unless told', () => {
    expect(part(application(), 'spec', 'syncPolicy', 'automated')).toEqual({ prune: false, selfHeal: false });
    expect(part(application({ selfHeal: true }), 'spec', 'syncPolicy', 'automated', 'selfHeal')).toBe(true);
  });

  test('can wait with the chart for the next promotion', () => {
    expect(part(application({ chartCommits: 'with-next-promotion' }), 'spec', 'syncPolicy')).not.toHaveProperty(
      'automated',
    );
  });

  test('leaves its workload alone when it goes, and does not go by itself', () => {
    const { metadata } = application();
    expect(metadata).not.toHaveProperty('finalizers');
    expect(metadata.annotations?.['argocd.argoproj.io/sync-options']).toBe('Prune=false,Delete=false');
  });

  test('tries a failed sync again, and fails where another Application owns an object', () => {
    expect(part(application(), 'spec', 'syncPolicy', 'retry', 'limit')).toBe(5);
    expect(part(application(), 'spec', 'syncPolicy', 'syncOptions')).toContain('FailOnSharedResource=true');
  });

  test('keeps the name of a Helm release that exists already', () => {
    const chart = part(application({ releaseName: 'shop' }), 'spec', 'sources', 0, 'helm', 'releaseName');
    expect(chart).toBe('shop');
  });
});

describe('the project of the stages', () => {
  const project = only(
    objectsOf((chart) => {
      new DeliveryProject(chart, 'project', {
        name: 'shop',
        description: 'The shop',
        repositories: [`${forge}/shop.git`, `${forge}/pipelines.git`],
        namespaces: ['shop-paper', 'shop'],
        refusedResources: pipelineKinds,
        closedHours: [
          {
            window: syncWindow({
              timeZone: 'America/New_York',
              days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'],
              from: '09:30',
              to: '16:00',
            }),
            applications: ['shop-paper', 'shop-live'],
          },
        ],
      });
    }),
    'AppProject',
  );

  test('keeps commits to the chart out of closed hours; promotions pass, since the gate has decided about them', () => {
    expect(part(project, 'spec', 'syncWindows')).toEqual([
      {
        kind: 'deny',
        schedule: '30 9 * * 1,2,3,4,5',
        duration: '6h30m',
        timeZone: 'America/New_York',
        applications: ['shop-paper', 'shop-live'],
        manualSync: true,
      },
    ]);
  });

  test('writes to its namespaces only, nothing cluster-scoped, and never to the pipeline itself', () => {
    expect(part(project, 'spec', 'destinations')).toEqual([
      { server: 'https://kubernetes.default.svc', namespace: 'shop-paper' },
      { server: 'https://kubernetes.default.svc', namespace: 'shop' },
    ]);
    expect(part(project, 'spec', 'clusterResourceWhitelist')).toEqual([]);
    expect(part(project, 'spec', 'namespaceResourceBlacklist')).toEqual(pipelineKinds);
  });

  test('the project "default" allows nothing', () => {
    const shut = only(
      objectsOf((chart) => new ShutDefaultProject(chart, 'default')),
      'AppProject',
      'default',
    );
    expect(shut.spec).toMatchObject({ sourceRepos: [], destinations: [], clusterResourceWhitelist: [] });
    expect(everyKind).toEqual({ group: '*', kind: '*' });
  });
});

describe('the root Application', () => {
  const root = only(
    objectsOf((chart) => {
      new RootApplication(chart, 'root', {
        name: 'pipeline',
        project: 'pipeline',
        repository: `${forge}/pipelines.git`,
        path: 'dist/shop/gitops',
      });
    }),
    'Application',
  );

  test('keeps every rendered file in the cluster, and undoes changes by hand', () => {
    expect(part(root, 'spec', 'source')).toEqual({
      repoURL: `${forge}/pipelines.git`,
      targetRevision: 'main',
      path: 'dist/shop/gitops',
      directory: { recurse: true, include: '*.yaml' },
    });
    expect(part(root, 'spec', 'syncPolicy', 'automated')).toEqual({ prune: true, selfHeal: true });
    expect(part(root, 'spec', 'syncPolicy', 'syncOptions')).toContain('ServerSideApply=true');
  });

  test('can be deleted without deleting anything else', () => {
    expect(root.metadata).not.toHaveProperty('finalizers');
  });
});

test('the order is: gate, Kargo, Applications, and automatic promotion last', () => {
  const order = [
    syncWave.gate,
    syncWave.promotion,
    syncWave.stages,
    syncWave.applications,
    0,
    syncWave.promotionPolicies,
  ];
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

test('the web UI is served over TLS with a certificate of the cluster issuer', () => {
  const ingress = only(
    objectsOf((chart) => new ArgoCdIngress(chart, 'ingress', { host: 'argocd.example.org' }), { namespace: 'argocd' }),
    'Ingress',
    'argocd-server',
  );
  expect(ingress.metadata.annotations).toMatchObject({
    'cert-manager.io/cluster-issuer': 'ca-issuer',
    'traefik.ingress.kubernetes.io/router.entrypoints': 'websecure',
  });
  expect(part(ingress, 'spec', 'ingressClassName')).toBe('traefik');
  expect(part(ingress, 'spec', 'tls')).toEqual([{ hosts: ['argocd.example.org'], secretName: 'argocd-server-tls' }]);
  expect(part(ingress, 'spec', 'rules', 0, 'http', 'paths', 0, 'backend', 'service')).toEqual({
    name: 'argocd-server',
    port: { number: 80 },
  });
});

test('nothing gets into the namespace but by the known ways', () => {
  const policies = objectsOf((chart) => new ArgoCdNetwork(chart, 'network'), { namespace: 'argocd' });
  expect(policies.map((policy) => policy.metadata.name)).toEqual([
    'default-deny-ingress',
    'argocd-server',
    'argocd-repo-server',
    'argocd-redis',
  ]);
  const redis = only(policies, 'NetworkPolicy', 'argocd-redis');
  expect(part(redis, 'spec', 'ingress', 0, 'from')).toHaveLength(3);
  expect(part(redis, 'spec', 'ingress', 0, 'ports')).toEqual([{ protocol: 'TCP', port: 6379 }]);
});

test('Secrets carry the labels by which Argo CD finds them, and the address of their repository in words only', () => {
  const secrets = argoCdSecrets({
    namespace: 'argocd',
    repositories: [{ secret: 'repository-shop', url: `${forge}/shop.git` }],
    login: 'argocd-oidc-gitea',
  });
  expect(secrets.map((secret) => [secret.name, Object.keys(secret.labels ?? {})])).toEqual([
    ['argocd-secret', ['app.kubernetes.io/part-of', 'app.kubernetes.io/name']],
    ['repository-shop', ['argocd.argoproj.io/secret-type']],
    ['argocd-oidc-gitea', ['app.kubernetes.io/part-of']],
  ]);
});
