import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeTree } from '../../../tools/write-tree.ts';
import { planSteps } from '../../support/plan.ts';
import { type Answer, type Plane, startPlane } from '../../support/plane.ts';
import { run, until } from '../../support/processes.ts';
import { fileText, objectsIn, renderedFiles } from '../../support/rendered.ts';
import { environmentWithTools } from '../../support/tools.ts';

const runner = 'system:serviceaccount:arc-system:arc-runner';
const sandboxLabels = {
  'pipelines.celestium.life/sandbox': 'true',
  'pod-security.kubernetes.io/enforce': 'baseline',
};

let plane: Plane;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'stonks-arc-'));
  for (const part of ['runmefirst.sh', 'runmelast.sh', 'install'])
    cpSync(part, path.join(folder, part), { recursive: true });
  for (const system of ['stonks-oracle', 'stonks-oracle-arc']) {
    writeTree(path.join(folder, 'dist', system), renderedFiles(system));
  }
  plane = await startPlane();
  const objects = objectsIn(
    renderedFiles('stonks-oracle-arc').filter(({ path: file }) => file === 'gitops/platform/runners.yaml'),
  );
  const namespaces = ['arc-system', 'stonks-oracle', 'kargo'];
  await plane.apply([
    ...namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ...objects,
  ]);
  await plane.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'stonks-inttest-7', labels: sandboxLabels } },
  ]);
  // The API server takes policies up a moment later: the last of them is in force when these are refused.
  await until('the policies are in force', async () => {
    const answers = await Promise.all([
      asRunner('POST', '/api/v1/namespaces', namespace('elsewhere')),
      asRunner('POST', '/api/v1/namespaces/kargo/configmaps', configMap(), ['system:masters']),
      asRunner('POST', bindings('stonks-inttest-7'), binding('edit'), ['system:masters']),
    ]);
    return answers.every(({ status }) => status >= 400) ? true : undefined;
  });
}, 180_000);
afterAll(async () => {
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function asRunner(method: string, target: string, body?: unknown, groups?: readonly string[]): Promise<Answer> {
  return plane.request(method, `${target}?dryRun=All`, body, {
    as: runner,
    groups: groups ?? ['system:serviceaccounts', 'system:serviceaccounts:arc-system', 'system:authenticated'],
  });
}

const bindings = (where: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${where}/rolebindings`;

function namespace(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function configMap() {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe' } };
}

function binding(role: string) {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'sandbox' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', namespace: 'arc-system', name: 'arc-runner' }],
  };
}

describe('a job on the runners', () => {
  test('opens and removes a sandbox, and gets its rights in there', async () => {
    const made = await asRunner('POST', '/api/v1/namespaces', namespace('stonks-inttest-8', sandboxLabels));
    expect(made.status).toBe(201);
    const bound = await asRunner('POST', bindings('stonks-inttest-7'), binding('arc-runner-inttest-sandbox'));
    expect(bound.status).toBe(201);
    expect((await asRunner('DELETE', '/api/v1/namespaces/stonks-inttest-7')).status).toBeLessThan(300);
  });

  test.each([
    ['makes no other namespace', 'POST', '/api/v1/namespaces', namespace('stonks-live', sandboxLabels)],
    ['removes no workload', 'DELETE', '/api/v1/namespaces/stonks-oracle', undefined],
    ['binds nothing outside a sandbox', 'POST', bindings('kargo'), binding('arc-runner-inttest-sandbox')],
    ['binds no other role', 'POST', bindings('stonks-inttest-7'), binding('cluster-admin')],
  ])('%s', async (_, method, target, body) => {
    expect((await asRunner(method, target, body)).status).toBe(403);
  });

  test('writes nowhere else, even if somebody gave it every right', async () => {
    for (const where of ['kargo', 'stonks-oracle', 'arc-system']) {
      const answer = await asRunner('POST', `/api/v1/namespaces/${where}/configmaps`, configMap(), ['system:masters']);
      expect(answer.body.message, where).toContain(`this account writes only in sandboxes, not in ${where}`);
    }
  });
});

describe('the two systems', () => {
  test.each([
    ['stonks-oracle', 'stonks-oracle-arc'],
    ['stonks-oracle-arc', 'stonks-oracle'],
  ])(
    'while %s is installed, %s is refused before anything changes',
    async (there, wanted) => {
      const claims = planSteps(fileText(renderedFiles(there), 'install/plan.tsv')).find(({ verb }) => verb === 'claim');
      const marker = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: `pipelines-${there}`,
          namespace: 'kube-system',
          labels: { 'app.kubernetes.io/component': 'install-marker' },
        },
        data: { system: there, state: 'installed', claims: claims?.fields['names'] ?? '' },
      };
      await plane.apply([marker]);
      const result = await run(
        'bash',
        [path.join(folder, 'runmefirst.sh'), wanted, '--yes', '--state', path.join(folder, 'state')],
        {
          env: environmentWithTools({ KUBECONFIG: plane.kubeconfig }),
        },
      );
      await plane.request('DELETE', `/api/v1/namespaces/kube-system/configmaps/pipelines-${there}`);
      expect(result.code).toBe(4);
      expect(result.stderr).toContain(`system ${there} is installed and holds namespace/argocd too`);
      expect(result.stderr).toContain(`take it away first: ./runmelast.sh ${there}`);
      expect((await plane.request('GET', '/api/v1/namespaces/argocd')).status).toBe(404);
    },
    120_000,
  );
});
