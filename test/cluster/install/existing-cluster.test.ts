import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import { clusterState } from '../../support/install/cluster-state.ts';
import { namespacesOf } from '../../support/install/fixture.ts';
import { type TestSystem, World } from '../../support/install/world.ts';
import { crdFolder, type Plane, startPlane } from '../../support/plane.ts';
import { output } from '../../support/processes.ts';
import { tool } from '../../support/tools.ts';

const ns = namespacesOf('small');
const minutes = 60_000;
const stuck = 'actions.github.com/cleanup-protection';

let plane: Plane;
let world: World;
let system: TestSystem;

/** A cluster in which somebody installed Argo CD, Kargo and runners before, by helm. */
beforeAll(async () => {
  plane = await startPlane({ crds: ['actions-runner-controller'] });
  world = await World.start(plane);
  system = await world.add('small');
  for (const name of [ns.argoCd, ns.kargo]) {
    await plane.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }]);
  }
  const charts = path.join(system.checkout, 'test/support/install/charts');
  await helm('install', 'argocd', `${charts}/argo-cd`, '-n', ns.argoCd, '--set', 'url=https://before.invalid');
  const whole = ['--set', 'workloads.install=true,webhooks.register=true'];
  await helm('install', 'kargo', `${charts}/kargo`, '-n', ns.kargo, ...whole);
  await plane.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns.project } },
    { apiVersion: 'kargo.akuity.io/v1alpha1', kind: 'Project', metadata: { name: ns.project } },
    { apiVersion: 'kargo.akuity.io/v1alpha1', kind: 'Promotion', metadata: { name: 'old', namespace: ns.project } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'of-others', namespace: ns.argoCd } },
  ]);
  await installRunners();
}, 4 * minutes);

afterAll(async () => {
  await world?.stop();
  await plane?.stop();
});

describe('a cluster with Argo CD, Kargo and runners of earlier days', { timeout: 4 * minutes }, () => {
  it('is taken over: runners go, releases and history stay', async () => {
    const result = await system.install();
    expect(result.code, result.stdout + result.stderr).toBe(0);
    const { stdout } = result;

    // Runners: the scale set before the controller, and what the controller did not clean up (here nobody plays it).
    const order = ['scale set runners: removed', 'its finalizer was stuck, removed', 'controller arc: removed'];
    const places = order.map((text) => stdout.indexOf(text));
    expect(Math.min(...places), stdout).toBeGreaterThanOrEqual(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    const state = await clusterState(plane);
    const left = [...state.keys()].filter((key) => key.includes('small-arc'));
    expect(left).toEqual([]);

    // Kargo holds history: no base install, no restore; a snapshot before anything is upgraded.
    expect(stdout).toContain('kargo: already installed whole');
    expect(stdout).toContain('restore: not needed');
    expect(stdout).not.toContain('snapshot: not needed');
    expect(system.files(system.volume)['kargo/snapshot']).toContain('"old"');
    expect(state.has(`/apis/kargo.akuity.io/v1alpha1/promotions ${ns.project}/old`)).toBe(true);
    const settings = state.get(`/api/v1/configmaps ${ns.argoCd}/argocd-cm`);
    expect(settings?.data).toEqual({ url: 'https://argocd.invalid' });
  });

  it('keeps the namespaces that were there before, with what others put into them, when it is taken away', async () => {
    const result = await system.teardown();
    expect(result.code, result.stdout + result.stderr).toBe(0);
    const state = await clusterState(plane);
    expect(state.has(`/api/v1/configmaps ${ns.argoCd}/of-others`)).toBe(true);
    expect(state.has(`/api/v1/namespaces /${ns.setUp}`)).toBe(false);
    const left = [...state.entries()].filter(
      ([key, object]) =>
        key.includes(` ${ns.argoCd}/`) && object.metadata.labels?.['app.kubernetes.io/managed-by'] === 'pipelines',
    );
    expect(left.map(([key]) => key)).toEqual([]);
    expect(state.has(`/apis/apps/v1/deployments ${ns.kargo}/kargo-controller`)).toBe(false);
  });
});

function helm(...args: string[]): Promise<string> {
  return output(tool('helm'), [...args, '--wait'], { env: system.environment() });
}

/** Runners as their charts leave them, with finalizers that only their controller removes. */
async function installRunners(): Promise<void> {
  const crd = readdirSync(path.join(crdFolder, 'actions-runner-controller'));
  expect(crd.length).toBeGreaterThan(0);
  const set: KubernetesObject = {
    apiVersion: 'actions.github.com/v1alpha1',
    kind: 'AutoscalingRunnerSet',
    metadata: { name: 'runners', finalizers: [stuck] },
    spec: { githubConfigUrl: 'https://example.invalid', template: { spec: { containers: [] } } },
  };
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'manager', finalizers: [stuck] },
    rules: [],
  };
  await plane.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns.arc } }]);
  for (const [name, objects] of [
    ['arc', []],
    ['runners', [set, role]],
  ] as const) {
    const chart = path.join(system.folder, `chart-${name}`);
    cpSync(path.join(system.checkout, 'install/charts/bcrypt/Chart.yaml'), path.join(chart, 'Chart.yaml'));
    mkdirSync(path.join(chart, 'templates'));
    const all = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }, ...objects];
    writeFileSync(path.join(chart, 'templates/all.yaml'), all.map((object) => dump(object)).join('---\n'));
    expect(readFileSync(path.join(chart, 'templates/all.yaml'), 'utf8')).toContain(name);
    await helm('install', name, chart, '-n', ns.arc);
  }
  await plane.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'small-arc-runner' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [],
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'small-arc-pv' },
      spec: {
        accessModes: ['ReadWriteMany'],
        capacity: { storage: '1Gi' },
        nfs: { server: '127.0.0.1', path: '/pipelines/arc' },
      },
    },
  ]);
}
