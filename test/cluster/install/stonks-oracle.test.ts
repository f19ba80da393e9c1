import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import { clusterState } from '../../support/install/cluster-state.ts';
import { StonksWorld } from '../../support/install/stonks-world.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { type Finished, output, until } from '../../support/processes.ts';
import { tool } from '../../support/tools.ts';
import { sampleState } from '../../unit/state/sample.ts';

const minutes = 60_000;
const kargo = '/apis/kargo.akuity.io/v1alpha1';
const project = 'stonks-pipeline';
const volumes = { argocd: 'argocd-state', kargo: 'kargo-state', woodpecker: 'woodpecker-data' };
const pipelineNamespaces = ['argocd', 'kargo', 'woodpecker', 'woodpecker-steps', 'pipelines-set-up'];
/** Secrets whose values nobody else could give again. */
const kept = [
  'argocd/argocd-secret',
  'argocd/state-key',
  'kargo/kargo-admin-account',
  'kargo/state-key',
  'pipelines-set-up/forge-admin',
  'pipelines-set-up/state-key',
  'woodpecker/state-key',
  'woodpecker/woodpecker-internal',
  'woodpecker/woodpecker-postgres',
];
const applicationNamespaces = ['stonks-beta', 'stonks-paper', 'stonks-oracle', 'git-server'];

let plane: Plane;
let world: StonksWorld;
let history: readonly KubernetesObject[];
let secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
let running: Readonly<Record<string, unknown>>;
let firstOutput: string;
let branches: ReadonlyArray<string | undefined>;

/** A cluster as it is before: production runs, Gitea waits for its first set-up, runners of earlier days are there. */
beforeAll(async () => {
  plane = await startPlane({ crds: ['cert-manager', 'traefik', 'actions-runner-controller'] });
  world = await StonksWorld.start(plane);
  await plane.apply([
    {
      apiVersion: 'cert-manager.io/v1',
      kind: 'ClusterIssuer',
      metadata: { name: 'ca-issuer' },
      spec: { selfSigned: {} },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'traefik' },
      spec: { controller: 'stand-in.invalid/traefik' },
    },
    ...['git-server', 'stonks-oracle', 'arc-system'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    })),
    deployment('git-server', 'gitea', 'gitea/gitea:1.25.5'),
    deployment('stonks-oracle', 'query-api', `registry.celestium.life/stonks-oracle/query-api:${'9'.repeat(40)}`),
  ]);
  await installRunners();
}, 5 * minutes);

afterAll(async () => {
  await world?.stop();
  await plane?.stop();
});

describe('Stonks Oracle as it is rendered, on a real API server', { timeout: 10 * minutes }, () => {
  it('replaces the runners and installs everything with one command', async () => {
    const result = await world.install();
    firstOutput = result.stdout + result.stderr;
    expect(report(result)).toMatchObject({ code: 0 });
    expect([...world.gitea.unknown, ...world.woodpecker.unknown]).toEqual([]);

    const state = await clusterState(plane);
    expect([...state.keys()].filter((key) => /arc-system|arc-runner|pipeline-arc/.test(key))).toEqual([]);
    const order = ['scale set self-hosted-gremlin: removed', 'controller arc: removed', 'namespaces: namespaces'];
    const places = order.map((text) => result.stdout.indexOf(text));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));

    for (const [directory, claim] of Object.entries(volumes)) {
      expect(state.get(`/api/v1/persistentvolumes /pipeline-${directory}-pv`)).toMatchObject({
        spec: {
          nfs: { server: '192.168.42.8', path: `/volume1/Kubernetes/pipelines/${directory}` },
          persistentVolumeReclaimPolicy: 'Retain',
        },
        status: { phase: 'Bound' },
      });
      expect(state.get(`/api/v1/persistentvolumeclaims ${directory}/${claim}`)?.status).toMatchObject({
        phase: 'Bound',
      });
    }
    running = workloads(state);
    expect(Object.values(running)).not.toContain(undefined);
    expect(Object.keys(running)).toEqual(
      expect.arrayContaining([
        '/apis/apps/v1/statefulsets argocd/argocd-application-controller',
        '/apis/apps/v1/deployments kargo/kargo-controller',
        '/apis/apps/v1/deployments kargo/promotion-desk',
        '/apis/apps/v1/deployments kargo/audit-recorder',
        '/apis/apps/v1/statefulsets woodpecker/woodpecker-postgres',
        '/apis/apps/v1/deployments woodpecker/woodpecker-server',
        '/apis/apps/v1/deployments woodpecker/woodpecker-agent',
      ]),
    );
    // Releases of its own, and nothing beside the application or the forge.
    const releases = [...state].filter(([, { type }]) => type === 'helm.sh/release.v1');
    expect([...new Set(releases.map(([, { metadata }]) => metadata.namespace))].sort()).toEqual(['argocd', 'kargo']);
    const beside = [...state].filter(([, object]) => isOurs(object) && isOfApplication(object.metadata.namespace));
    // The set-up of the forge may look after Gitea's Deployment; there is nothing else.
    expect(beside.map(([key]) => key).filter((key) => !/\/role(binding)?s git-server\//.test(key))).toEqual([]);

    for (const [namespace, host] of [
      ['argocd', 'stonks-argocd.celestium.life'],
      ['kargo', 'stonks-kargo.celestium.life'],
      ['woodpecker', 'stonks-ci.celestium.life'],
    ]) {
      const found = [...state].filter(([key]) => key.startsWith(`/apis/networking.k8s.io/v1/ingresses ${namespace}/`));
      const secured = found.filter(([, { spec }]) => JSON.stringify(spec).includes('"tls"'));
      expect(secured.length, namespace).toBeGreaterThan(0);
      for (const [key, { metadata, spec }] of secured) {
        expect(metadata.annotations, key).toMatchObject({ 'cert-manager.io/cluster-issuer': 'ca-issuer' });
        expect(spec, key).toMatchObject({ ingressClassName: 'traefik', tls: [{ hosts: [host] }] });
      }
    }
  });

  it('sets up the forge and connects the CI server with it', async () => {
    expect([...world.gitea.users.keys()].sort()).toEqual(['argocd', 'audit', 'ci', 'forge-admin', 'kargo']);
    expect([...world.gitea.repos.keys()].sort()).toEqual(['stonks/pipelines', 'stonks/stonks-oracle']);
    expect(world.gitea.apps.map(({ name }) => name).sort()).toEqual(['kargo', 'woodpecker']);
    expect(world.gitea.repo('stonks/stonks-oracle').hooks).toHaveLength(1);
    expect(world.woodpecker.repos).toMatchObject([{ full_name: 'stonks/stonks-oracle', active: true }]);
    const head = (await output('git', ['-C', world.checkout, 'rev-parse', 'HEAD'])).trim();
    expect(await world.revision('main')).toBe(head);
    branches = await Promise.all(['beta', 'paper', 'live'].map((stage) => world.revision(`stage/${stage}`)));
    expect(branches).not.toContain(undefined);
    const seeded = await output('git', [
      ...['--git-dir', world.gitea.gitFolder('stonks/pipelines')],
      ...['show', 'stage/live:values.yaml'],
    ]);
    expect(seeded).toContain(`tag: "${'9'.repeat(40)}"`);
  });

  it('changes nothing when it runs again, and prints no secret', async () => {
    // What Argo CD makes of the Applications, so that the teardown has workloads to leave alone.
    await plane.apply(
      ['stonks-beta', 'stonks-paper'].map((namespace) =>
        deployment(namespace, 'query-api', 'registry.celestium.life/stonks-oracle/query-api:1'),
      ),
    );
    const before = await settled();
    secrets = await madeSecrets();
    const writes = world.gitea.writes.length;
    const result = await world.install();

    const printed = firstOutput + result.stdout + result.stderr + world.jobOutput();
    for (const name of kept) expect(Object.keys(secrets), name).toContain(name);
    for (const [name, values] of Object.entries(secrets)) {
      for (const [key, value] of Object.entries(values)) {
        if (/password|token|key|secret/i.test(key)) expect(printed.includes(value), `${name} ${key}`).toBe(false);
      }
    }
    expect(report(result)).toMatchObject({ code: 0 });
    expect(await versions()).toEqual(before);
    expect(Object.keys(before).length).toBeGreaterThan(150);
    // What it does each time: asks whether the OAuth2 secrets still count, and proves that an event arrives.
    const checks = /\/login\/oauth\/access_token$|\/tests$|\/user\/login$/;
    const later = world.gitea.writes.slice(writes).filter((write) => !checks.test(write));
    expect(later).toEqual([]);
  });

  it('is not affected when the application is taken away by its own script', async () => {
    const before = await versions((key, object) => !untouched(key, object));
    const paths = ['stonks-beta', 'stonks-oracle'].map(
      (name) => `/apis/apps/v1/namespaces/${name}/deployments/query-api`,
    );
    for (const target of paths) expect((await plane.request('DELETE', target)).status).toBe(200);
    await until('the application is gone', async () => {
      const found = await Promise.all(paths.map((target) => plane.request('GET', target)));
      return found.every(({ status }) => status === 404) ? true : undefined;
    });

    expect(await versions((key, object) => !untouched(key, object))).toEqual(before);
    await plane.apply(
      ['stonks-beta', 'stonks-oracle'].map((namespace) =>
        deployment(namespace, 'query-api', 'registry.celestium.life/stonks-oracle/query-api:1'),
      ),
    );
  });

  it('takes the pipeline away, and leaves volumes, application and forge', async () => {
    await promote();
    secrets = await madeSecrets();
    await settled();
    const before = await versions(untouched);
    const result = await world.teardown();

    expect(report(result)).toMatchObject({ code: 0 });
    expect(await versions(untouched)).toEqual(before);
    for (const namespace of applicationNamespaces) {
      expect(Object.keys(before).filter((key) => key.includes(` ${namespace}/`)).length, namespace).toBeGreaterThan(0);
    }
    const state = await clusterState(plane);
    for (const namespace of pipelineNamespaces) {
      expect(state.has(`/api/v1/namespaces /${namespace}`), namespace).toBe(false);
    }
    expect([...state.keys()].filter((key) => key.startsWith('/apis/admissionregistration.k8s.io/'))).toEqual([]);
    // No right outlives those it was given to, not even in namespaces that stay.
    expect([...state].filter(([key, object]) => key.includes('rbac') && isOurs(object)).map(([key]) => key)).toEqual(
      [],
    );
    for (const directory of Object.keys(volumes)) {
      const volume = state.get(`/api/v1/persistentvolumes /pipeline-${directory}-pv`);
      expect(volume?.status, directory).toMatchObject({ phase: 'Available' });
      expect(readdirSync(path.join(world.share, directory)), directory).not.toEqual([]);
    }
  });

  it('has nothing to do when it is taken away twice', async () => {
    const before = await versions();
    const result = await world.teardown();

    expect(report(result)).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('nothing to remove');
    expect(await versions()).toEqual(before);
  });

  it('comes back with its history, secrets and branches after the cluster lost them', async () => {
    await loseHistory();
    const result = await world.install();

    expect(report(result)).toMatchObject({ code: 0 });
    expect(await savedHistory()).toEqual(history);
    expect(history.length).toBeGreaterThan(10);
    const secretsNow = await madeSecrets();
    expect(Object.keys(secretsNow)).toEqual(Object.keys(secrets));
    for (const name of kept) expect(secretsNow[name], name).toEqual(secrets[name]);
    // The forge still knows its tokens only by their checksums: it gave new ones, and each of them counts.
    const tokens = [...world.gitea.users.values()].flatMap((user) => user.tokens.map(({ token }) => token));
    for (const name of ['kargo-shared-resources/pipelines-git', 'argocd/repository-pipelines', 'kargo/audit-anchor']) {
      expect(tokens, name).toContain(secretsNow[name]?.['password']);
    }
    const after = await Promise.all(['beta', 'paper', 'live'].map((stage) => world.revision(`stage/${stage}`)));
    expect(after).toEqual(branches);
    const state = await clusterState(plane);
    for (const directory of Object.keys(volumes)) {
      const volume = state.get(`/api/v1/persistentvolumes /pipeline-${directory}-pv`);
      expect(volume?.status, directory).toMatchObject({ phase: 'Bound' });
    }
    for (const stage of ['beta', 'paper', 'live']) {
      expect(state.has(`/apis/argoproj.io/v1alpha1/applications argocd/stonks-${stage}`), stage).toBe(true);
    }
    expect(state.has('/apis/apps/v1/deployments kargo/kargo-controller')).toBe(true);
    expect(workloads(state)).toEqual(running);
    expect([...world.gitea.unknown, ...world.woodpecker.unknown]).toEqual([]);
  });
});

function report({ code, stdout, stderr }: Finished) {
  return { code, text: code === 0 ? '' : `${stdout}\n${stderr}\n${world.jobOutput()}` };
}

/** Resource versions of everything; of what the cluster's own clock starts only what somebody wants of it. */
async function versions(only = (_key: string, _object: KubernetesObject) => true): Promise<Record<string, string>> {
  const entries = [...(await clusterState(plane))].flatMap(([key, object]) => {
    const { metadata } = object;
    if (!only(key, object) || metadata.ownerReferences?.some((owner) => owner.kind === 'CronJob')) return [];
    const version = key.includes('/cronjobs ') ? `generation ${metadata.generation}` : metadata.resourceVersion;
    return [[key, version ?? ''] as const];
  });
  return Object.fromEntries(entries);
}

/** The same, once every workload is ready and the controllers have nothing left to write. */
async function settled(): Promise<Record<string, string>> {
  let last: Record<string, string> = {};
  return until(
    'the controllers have settled',
    async () => {
      const all = [...(await clusterState(plane))].filter(([key]) => /\/(deployments|statefulsets) /.test(key));
      const previous = last;
      last = await versions();
      return all.every(([, object]) => isReady(object)) && isDeepStrictEqual(last, previous) ? last : undefined;
    },
    3 * minutes,
  );
}

function isReady({ metadata, spec, status }: KubernetesObject): boolean {
  const { replicas = 1 } = spec as { replicas?: number };
  const { readyReplicas = 0, observedGeneration = 0 } = (status ?? {}) as Record<string, number>;
  return readyReplicas === replicas && observedGeneration === metadata.generation;
}

function isOurs({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.['app.kubernetes.io/part-of'] === 'stonks-oracle';
}

function isOfApplication(namespace = ''): boolean {
  return applicationNamespaces.includes(namespace);
}

/** Of the application's and the forge's namespaces, and themselves; without the pipeline's own rights there. */
function untouched(key: string, object: KubernetesObject): boolean {
  const { name, namespace } = object.metadata;
  if (key.startsWith('/api/v1/namespaces ')) return isOfApplication(name);
  return isOfApplication(namespace) && !isOurs(object);
}

/** Values of the Secrets that the set-up made, by namespace, name and key. */
async function madeSecrets(): Promise<Record<string, Record<string, string>>> {
  const made = [...(await clusterState(plane))].filter(
    ([key, { metadata }]) =>
      key.startsWith('/api/v1/secrets ') && metadata.labels?.['app.kubernetes.io/managed-by'] === 'pipelines',
  );
  return Object.fromEntries(
    made.map(([key, { data }]) => {
      const values = Object.entries((data ?? {}) as Record<string, string>);
      const plain = values.map(([name, value]) => [name, Buffer.from(value, 'base64').toString()] as const);
      return [key.replace('/api/v1/secrets ', ''), Object.fromEntries(plain)];
    }),
  );
}

/** Deployments and StatefulSets of the pipeline with their ready pods. */
function workloads(state: ReadonlyMap<string, KubernetesObject>): Record<string, unknown> {
  const found = [...state].filter(([key]) => /\/(deployments|statefulsets) (argocd|kargo|woodpecker)\//.test(key));
  return Object.fromEntries(
    found.map(([key, { status }]) => [key, (status as { readyReplicas?: number }).readyReplicas]),
  );
}

/** Makes history as the set-up may, with the status that Kargo gives it. */
async function promote(): Promise<void> {
  const sample = sampleState({ freights: 4, promotions: 14 });
  const setUp = { as: 'pipelines-set-up', groups: ['system:masters', 'system:authenticated'] };
  const stages = await plane.request('GET', `${kargo}/namespaces/${project}/stages`);
  const uids = new Map<string, string>(
    stages.body.items.map(({ metadata }: KubernetesObject) => [metadata.name, metadata.uid]),
  );
  // One waits and one runs in the sample: only those that ended are history.
  for (const object of [...sample.freights, ...sample.promotions.slice(0, -2)]) {
    const plural = `${object.kind?.toLowerCase()}s`;
    const owners = object.metadata.ownerReferences?.map((owner) => ({ ...owner, uid: uids.get(owner.name) }));
    const metadata = { ...object.metadata, ...(owners ? { ownerReferences: owners } : {}), finalizers: [] };
    const target = `${kargo}/namespaces/${project}/${plural}`;
    const made = await plane.request('POST', target, { ...object, metadata }, setUp);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const { status } = object;
    const done = await plane.request('PUT', `${target}/${metadata.name}/status`, { ...made.body, status }, setUp);
    expect(done.status, JSON.stringify(done.body)).toBe(200);
  }
  history = await savedHistory();
}

/** Freight and promotions without what one cluster's API server gives. */
async function savedHistory(): Promise<KubernetesObject[]> {
  const lists = await Promise.all(
    ['freights', 'promotions'].map((plural) => plane.request('GET', `${kargo}/namespaces/${project}/${plural}`)),
  );
  return lists
    .flatMap((list) => list.body.items as KubernetesObject[])
    .map(({ metadata: { name, labels, annotations }, ...rest }) => ({
      ...rest,
      metadata: { name, labels, annotations },
    }));
}

/** Everything that Kargo holds is gone, as with the cluster's own database. */
async function loseHistory(): Promise<void> {
  for (const kind of ['promotions', 'freights', 'stages', 'warehouses', 'projectconfigs']) {
    const gone = await plane.kubectl(['delete', `${kind}.kargo.akuity.io`, '--all', '-n', project, '--wait']);
    expect(gone).toMatchObject({ code: 0 });
  }
  const rest = [
    'projects.kargo.akuity.io/stonks-pipeline',
    'namespace/stonks-pipeline',
    'namespace/kargo-shared-resources',
  ];
  expect(await plane.kubectl(['delete', ...rest, '--wait'])).toMatchObject({ code: 0 });
  expect((await plane.request('GET', `${kargo}/promotions`)).body.items).toEqual([]);
}

function deployment(namespace: string, name: string, image: string) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image }] } },
    },
  };
}

/** Runners as helm leaves them. */
async function installRunners(): Promise<void> {
  const set: KubernetesObject = {
    apiVersion: 'actions.github.com/v1alpha1',
    kind: 'AutoscalingRunnerSet',
    metadata: { name: 'self-hosted-gremlin' },
    spec: { githubConfigUrl: 'https://example.invalid', template: { spec: { containers: [] } } },
  };
  for (const [release, objects] of [
    ['arc', []],
    ['self-hosted-gremlin', [set]],
  ] as const) {
    const chart = path.join(world.folder, `chart-${release}`);
    mkdirSync(path.join(chart, 'templates'), { recursive: true });
    cpSync(path.join(world.checkout, 'charts/kargo/Chart.yaml'), path.join(chart, 'Chart.yaml'));
    const all = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: release } }, ...objects];
    writeFileSync(path.join(chart, 'templates/all.yaml'), all.map((object) => dump(object)).join('---\n'));
    await output(tool('helm'), ['install', release, chart, '-n', 'arc-system', '--wait'], { env: world.environment() });
  }
  await plane.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'arc-runner-inttest' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [],
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'pipeline-arc-pv' },
      spec: {
        accessModes: ['ReadWriteMany'],
        capacity: { storage: '1Gi' },
        nfs: { server: '192.168.42.8', path: '/volume1/Kubernetes/pipelines/arc' },
      },
    },
  ]);
}
