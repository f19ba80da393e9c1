import { readdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterState, resourceVersions } from '../../support/install/cluster-state.ts';
import { namespacesOf } from '../../support/install/fixture.ts';
import { type TestSystem, World } from '../../support/install/world.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { type Finished, run, until } from '../../support/processes.ts';

const ns = namespacesOf('small');
const minutes = 60_000;

let plane: Plane;
let world: World;
let system: TestSystem;
/** Base64 values of every Secret, to search for them in what the scripts print. */
let secretValues: Readonly<Record<string, string>>;

beforeAll(async () => {
  plane = await startPlane();
  world = await World.start(plane);
  system = await world.add('small');
  await plane.apply([
    ...[ns.beta, 'git-server'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    deployment(ns.beta, 'app', 'registry.invalid/app/query-api:9111111111111111111111111111111111111111'),
    deployment('git-server', 'gitea', 'gitea:1'),
  ]);
});

afterAll(async () => {
  await world?.stop();
  await plane?.stop();
});

describe('install, teardown and rebuild on a real API server', { timeout: 5 * minutes }, () => {
  it('installs everything with one command', async () => {
    const result = await system.install();

    expect(report(result)).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('[16/16] status');
    expect(result.stdout).toContain('https://argocd.invalid');
    expect(result.stdout).toContain('Still needs a person:');
    const claim = await plane.request('GET', `/api/v1/namespaces/${ns.kargo}/persistentvolumeclaims/state`);
    expect(claim.body.status.phase).toBe('Bound');
    const controller = await plane.request('GET', `/apis/apps/v1/namespaces/${ns.kargo}/deployments/kargo-controller`);
    expect(controller.body.status.readyReplicas).toBe(1);
    await promote('first');
  });

  it('writes no secret value to its output, and keeps its copies readable by the owner only', async () => {
    secretValues = await valuesOfSecrets();
    expect(Object.keys(secretValues).length).toBeGreaterThanOrEqual(5);

    const again = await system.install('--from', 'secrets');
    for (const [name, value] of Object.entries(secretValues)) {
      if (name.endsWith('/username')) continue;
      const plain = Buffer.from(value, 'base64').toString();
      expect(again.stdout + again.stderr, name).not.toContain(plain);
      expect(again.stdout + again.stderr, name).not.toContain(value);
    }
    const folder = path.join(system.state, 'small/secrets');
    const files = readdirSync(folder);
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const file of files) expect(statSync(path.join(folder, file)).mode & 0o777, file).toBe(0o600);
  });

  it('seeds the branch of a stage with the tag that runs, as a string even if it is all digits', async () => {
    const file = await run('git', ['--git-dir', `${system.forge}/pipelines.git`, 'show', 'stage/beta:values.yaml']);
    expect(file.stdout).toBe('image:\n  tag: "9111111111111111111111111111111111111111"\n');
  });

  it('changes nothing when it runs again', async () => {
    const before = await resourceVersions(plane);
    const result = await system.install();

    expect(report(result)).toMatchObject({ code: 0 });
    expect(await resourceVersions(plane)).toEqual(before);
    expect(Object.keys(before).length).toBeGreaterThan(40);
  });

  it('is not affected when the application is taken away by its own script', async () => {
    const isApplication = (key: string) => key.includes(` ${ns.beta}/`) || key.endsWith(`/${ns.beta}`);
    const before = await resourceVersions(plane, (key) => !isApplication(key));
    await plane.kubectl(['delete', 'deployment', 'app', '-n', ns.beta, '--wait']);

    expect(await resourceVersions(plane, (key) => !isApplication(key))).toEqual(before);
    await plane.apply([deployment(ns.beta, 'app', 'registry.invalid/app/query-api:1')]);
  });

  it('takes the pipeline away and leaves application, forge, volume and history', async () => {
    const untouched = (key: string) => key.includes(` ${ns.beta}/`) || key.includes(' git-server/');
    await until('the deployments have settled', async () => {
      const answer = await plane.request('GET', `/apis/apps/v1/namespaces/${ns.beta}/deployments/app`);
      return answer.body.status?.readyReplicas === 1 ? true : undefined;
    });
    const before = await resourceVersions(plane, untouched);
    const result = await system.teardown();

    expect(report(result)).toMatchObject({ code: 0 });
    expect(await resourceVersions(plane, untouched)).toEqual(before);
    expect(Object.keys(before).length).toBeGreaterThan(4);
    const state = await clusterState(plane);
    for (const gone of [ns.setUp, ns.argoCd, ns.kargo])
      expect(state.has(`/api/v1/namespaces /${gone}`), gone).toBe(false);
    expect([...state.keys()].filter((key) => key.includes('validatingadmissionpolicies'))).toEqual([]);
    expect([...state.keys()].filter((key) => key.includes('validatingwebhookconfigurations'))).toEqual([]);
    const volume = state.get('/api/v1/persistentvolumes /small-kargo-pv');
    expect(volume?.status).toMatchObject({ phase: 'Available' });
    expect(system.files(system.volume)).toMatchObject({ 'database/data': 'data\n' });
    expect(system.files(system.volume)['kargo/snapshot']).toContain('"first"');
    expect(state.has(`/apis/kargo.akuity.io/v1alpha1/promotions ${ns.project}/first`)).toBe(true);
  });

  it('has nothing to do when it is taken away twice', async () => {
    const before = await resourceVersions(plane);
    const result = await system.teardown();

    expect(report(result)).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('nothing to remove');
    expect(await resourceVersions(plane)).toEqual(before);
  });

  it('rebuilds with the same secrets, branches and history when the cluster was lost', async () => {
    await plane.kubectl(['delete', 'namespace', ns.project, '--wait']);
    await plane.kubectl(['delete', 'projects.kargo.akuity.io', '--all', '--wait']);
    const branch = await stageCommit();
    const result = await system.install();

    expect(report(result)).toMatchObject({ code: 0 });
    const promotion = await plane.request(
      'GET',
      `/apis/kargo.akuity.io/v1alpha1/namespaces/${ns.project}/promotions/first`,
    );
    expect(promotion.body.metadata.annotations).toMatchObject({ note: 'checked' });
    expect(await valuesOfSecrets()).toEqual(secretValues);
    expect(await stageCommit()).toBe(branch);
    const volume = await plane.request('GET', '/api/v1/persistentvolumes/small-kargo-pv');
    expect(volume.body.status.phase).toBe('Bound');
  });

  it('refuses to remove anything when the last snapshot fails, unless forced', async () => {
    renameSync(path.join(system.volume, 'kargo'), path.join(system.volume, 'elsewhere'));
    const refused = await system.teardown();

    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('nothing was removed');
    const state = await clusterState(plane);
    expect(state.has(`/api/v1/namespaces /${ns.kargo}`)).toBe(true);
    expect(state.has(`/apis/argoproj.io/v1alpha1/applications ${ns.argoCd}/root`)).toBe(true);

    const forced = await system.teardown('--force', '--purge');
    expect(report(forced)).toMatchObject({ code: 0 });
    const after = await clusterState(plane);
    expect([...after.keys()].filter((key) => key.includes('kargo.akuity.io/v1alpha1/'))).toEqual([]);
    expect(after.has(`/api/v1/namespaces /${ns.project}`)).toBe(false);
  });
});

function report({ code, stdout, stderr }: Finished) {
  return { code, text: code === 0 ? '' : `${stdout}\n${stderr}` };
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

async function promote(name: string): Promise<void> {
  await plane.apply([
    {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'Promotion',
      metadata: { name, namespace: ns.project, annotations: { note: 'checked' } },
      spec: { stage: 'beta', freight: 'f1' },
    },
  ]);
}

async function stageCommit(): Promise<string> {
  const result = await run('git', ['--git-dir', `${system.forge}/pipelines.git`, 'rev-parse', 'stage/beta']);
  expect(result.code).toBe(0);
  return result.stdout;
}

async function valuesOfSecrets(): Promise<Record<string, string>> {
  const state = [...(await clusterState(plane))].filter(([key]) => key.startsWith('/api/v1/secrets small-'));
  return Object.fromEntries(
    state.flatMap(([key, object]) =>
      object.type === 'helm.sh/release.v1'
        ? []
        : Object.entries((object.data ?? {}) as Record<string, string>).map(([name, value]) => [
            `${key}/${name}`,
            value,
          ]),
    ),
  );
}
