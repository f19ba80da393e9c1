import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterState, resourceVersions } from '../../support/install/cluster-state.ts';
import { namespacesOf } from '../../support/install/fixture.ts';
import { type TestSystem, World } from '../../support/install/world.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { fileText, objectsIn, renderedFiles } from '../../support/rendered.ts';

/** A folder with the charts argo-cd and kargo, unpacked. */
const charts = process.env.PIPELINES_CHARTS;
const ns = namespacesOf('small');

let plane: Plane;
let world: World;
let system: TestSystem;

describe.skipIf(charts === undefined)(
  'the official charts, with the values of Stonks Oracle',
  { timeout: 900_000 },
  () => {
    beforeAll(async () => {
      plane = await startPlane({ crds: ['cert-manager'] });
      world = await World.start(plane);
      await plane.kubectl(['label', 'node', '--all', 'kubernetes.io/os=linux']);
      system = await world.add('small');
      // The chart of Argo CD makes the password of its cache by a hook that runs argocd.
      const bin = path.join(system.folder, 'bin');
      mkdirSync(bin);
      const secret = `kubectl create secret generic argocd-redis -n ${ns.argoCd} --from-literal=auth=stand-in-2c9e`;
      writeFileSync(
        path.join(bin, 'argocd'),
        `#!/bin/bash\nkubectl get secret argocd-redis -n ${ns.argoCd} || ${secret}\n`,
      );
      chmodSync(path.join(bin, 'argocd'), 0o755);
      process.env.PATH = `${bin}:${process.env.PATH}`;
      const dist = path.join(system.checkout, 'dist/small');
      const files = renderedFiles('stonks-oracle');
      // Kargo's chart writes into namespaces that the install makes first.
      await plane.apply(objectsIn(files.filter((file) => file.path === 'install/namespaces/namespaces.yaml')));
      for (const file of ['helm/argo-cd.yaml', 'helm/kargo.yaml', 'helm/kargo-base.yaml']) {
        writeFileSync(path.join(dist, file), fileText(files, file));
      }
      for (const chart of ['argo-cd', 'kargo']) {
        const copy = path.join(system.checkout, 'charts', chart);
        cpSync(path.join(charts ?? '', chart), copy, { recursive: true });
        // An API server that was built from source does not say its version.
        const about = path.join(copy, 'Chart.yaml');
        writeFileSync(about, readFileSync(about, 'utf8').replace(/^kubeVersion:.*$/m, ''));
      }
      // Kargo's base gets both files of values; its webhooks have no certificate here, so that nothing may pass them.
      const plan = path.join(dist, 'install/plan.tsv');
      const text = readFileSync(plan, 'utf8')
        .replaceAll('./test/support/install/charts/', './charts/')
        .replace('values=helm/kargo-base.yaml', 'values=helm/kargo.yaml,helm/kargo-base.yaml')
        .split('\n')
        .filter((line) => !/await-accepted|^root|^project-config/.test(line))
        .join('\n');
      writeFileSync(plan, text);
      await system.commit('official charts');
    });

    afterAll(async () => {
      await world?.stop();
      await plane?.stop();
    });

    it('are installed in two phases, are left alone the second time, and are removed', async () => {
      const started = Date.now();
      const first = await system.install();
      expect(first.code, first.stdout + first.stderr).toBe(0);
      console.log(first.stdout, `${Math.round((Date.now() - started) / 1000)} s`);

      // The control plane checks the types of the policy again when Kargo's definitions are there.
      const others = (key: string) => !key.includes('/validatingadmissionpolicies ');
      const before = await resourceVersions(plane, others);
      const second = await system.install();
      expect(second.code, second.stdout + second.stderr).toBe(0);
      expect(await resourceVersions(plane, others)).toEqual(before);
      expect(second.stdout).toContain('kargo 1.0.0: unchanged');

      const gone = await system.teardown();
      expect(gone.code, gone.stdout + gone.stderr).toBe(0);
      const state = await clusterState(plane);
      for (const namespace of [ns.argoCd, ns.kargo]) expect(state.has(`/api/v1/namespaces /${namespace}`)).toBe(false);
      expect([...state.keys()].filter((key) => key.includes('webhookconfigurations'))).toEqual([]);
      // The definitions stay: deleting one deletes every object of its kind.
      const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions /';
      expect(state.has(`${definitions}applications.argoproj.io`)).toBe(true);
      expect(state.has(`${definitions}promotions.kargo.akuity.io`)).toBe(true);
    });
  },
);
