import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Plane, startPlane } from '../../support/plane.ts';
import { type Finished, run, until } from '../../support/processes.ts';
import { fileText, renderedFiles } from '../../support/rendered.ts';
import { environmentWithTools } from '../../support/tools.ts';

const files = renderedFiles('luban-ci');
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const application = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/luban-ci';

let plane: Plane;
let folder: string;
let state: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'luban-install-'));
  state = path.join(folder, 'state');
  for (const name of ['runmefirst.sh', 'runmelast.sh', 'install']) {
    cpSync(path.join(repository, name), path.join(folder, name), { recursive: true });
  }
  for (const file of files) {
    const target = path.join(folder, 'dist/luban-ci', file.path);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, file.content, { mode: file.executable ? 0o755 : 0o644 });
  }
  plane = await startPlane({
    crds: ['argo-cd', 'argo-events', 'argo-workflows', 'cert-manager', 'gateway-api', 'kpack'],
    controllers: false,
  });
  await plane.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }]);
});
afterAll(async () => {
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the operator has to provide, by the plan itself. */
function provide(): number {
  const wanted = fileText(files, 'install/plan.tsv')
    .split('\n')
    .filter((line) => line.includes('\trequire-secret\t'))
    .map((line) =>
      Object.fromEntries(
        line
          .split('\t')
          .slice(2)
          .map((field) => field.split(/=(.*)/s).slice(0, 2)),
      ),
    );
  mkdirSync(path.join(state, 'luban-ci/secrets'), { recursive: true, mode: 0o700 });
  for (const { namespace, name, keys } of wanted) {
    const stringData = Object.fromEntries(
      String(keys)
        .split(',')
        .map((key) => [key, key === '.dockerconfigjson' ? '{"auths":{}}' : `value-of-${key}`]),
    );
    const text = dump({ stringData });
    writeFileSync(path.join(state, 'luban-ci/secrets', `${namespace}.${name}.yaml`), text, { mode: 0o600 });
  }
  return wanted.length;
}

function install(...more: readonly string[]): Promise<Finished> {
  return run('bash', [path.join(folder, 'runmefirst.sh'), 'luban-ci', '--yes', '--state', state, ...more], {
    cwd: folder,
    env: environmentWithTools({ KUBECONFIG: plane.kubeconfig }),
    timeout: 170_000,
  });
}

/** Plays Argo CD: says that the root Application is synced once it is there. */
async function sync(): Promise<void> {
  await until(
    'the root Application',
    async () => {
      const { status } = await plane.request(
        'PATCH',
        application,
        { status: { sync: { status: 'Synced' } } },
        { contentType: 'application/merge-patch+json' },
      );
      return status === 200 ? true : undefined;
    },
    160_000,
  );
}

const secret = async (namespace: string, name: string) =>
  (await plane.request('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`)).body;

test('without what only a person can provide, nothing is changed and everything is named', async () => {
  const result = await install();
  expect(result.code).toBe(4);
  for (const name of ['forge-github', 'registry-push', 'git-key', 'dagster-login'])
    expect(result.stderr).toContain(name);
  expect((await plane.request('GET', '/api/v1/namespaces/luban-ci')).status).toBe(404);
});

test('with it, the Secrets keep their type and value and get their annotations, and the root Application is there', async () => {
  expect(provide()).toBeGreaterThan(5);
  const [result] = await Promise.all([install(), sync()]);
  expect(`${result.code} ${result.stderr}`).toMatch(/^0 /);
  const push = await secret('luban-ci', 'registry-push');
  expect(push.type).toBe('kubernetes.io/dockerconfigjson');
  expect(push.metadata.annotations['replicator.v1.mittwald.de/replicate-to']).toBe('ci-data,ci-payments');
  const key = await secret('ci-payments', 'git-key');
  expect(key.type).toBe('kubernetes.io/ssh-auth');
  expect(key.metadata.annotations['kpack.io/git']).toBe('git@github.com');
  expect(Buffer.from(key.data['ssh-privatekey'], 'base64').toString()).toBe('value-of-ssh-privatekey');
  expect((await plane.request('GET', application)).body.spec.source.path).toBe('dist/luban-ci/gitops');
});

test('a second run changes no Secret', async () => {
  const names = [
    ['luban-ci', 'webhook-github'],
    ['luban-ci', 'forge-github'],
    ['ci-data', 'git-key'],
    ['snd-data', 'dagster-postgres'],
  ] as const;
  const versions = () =>
    Promise.all(names.map(async ([namespace, name]) => (await secret(namespace, name)).metadata.resourceVersion));
  const before = await versions();
  const result = await install();
  expect(`${result.code} ${result.stderr}`).toMatch(/^0 /);
  expect(await versions()).toEqual(before);
});
