import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GitServer } from '../../support/git-server.ts';
import { KubernetesStandIn } from '../../support/kubernetes-stand-in.ts';
import { run } from '../../support/processes.ts';
import { jsonServer, kustomization, pushFiles, revision, settings } from './facts.ts';

const program = fileURLToPath(new URL('../../../build/runtime/delivery.cjs', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'delivery-'));
  writeFileSync(path.join(folder, 'settings.json'), JSON.stringify(settings));
  mkdirSync(path.join(folder, 'credentials'));
  writeFileSync(path.join(folder, 'credentials/username'), 'kargo\n');
  writeFileSync(path.join(folder, 'credentials/password'), 'p4ss:word\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the bundle as a step of a workflow does. */
function delivery(command: string, facts: Readonly<Record<string, string>>, more: readonly string[] = []) {
  const args = [
    program,
    command,
    '--settings',
    path.join(folder, 'settings.json'),
    '--credentials',
    path.join(folder, 'credentials'),
  ];
  return run(process.execPath, [...args, ...more], { env: { PATH: process.env.PATH, HOME: folder, ...facts } });
}

describe('the program as a workflow runs it', () => {
  test('deploys and proposes with the facts of its environment, and shows no password', async () => {
    const server = await GitServer.start();
    const remote = {
      url: await server.create('ledger-gitops'),
      credentials: { username: 'kargo', password: 'p4ss:word' },
    };
    const pulls = await jsonServer(({ method }) =>
      method === 'GET' ? { status: 200, body: [] } : { status: 201, body: { html_url: 'https://github.com/pull/1' } },
    );
    const facts = {
      APPLICATION: 'ledger',
      NAMESPACE: 'ci-payments',
      REF: 'refs/heads/main',
      REVISION: revision,
      GITOPS_URL: remote.url,
      FORGE_API: pulls.url,
    };
    try {
      await pushFiles(remote, 'main', {
        'app/overlays/snd/kustomization.yaml': kustomization,
        'app/overlays/prd/kustomization.yaml': kustomization,
      });
      await pushFiles(remote, 'develop', {}, 'main');
      const first = await delivery('deploy', facts);
      expect(`${first.code} ${first.stdout}${first.stderr}`).toMatch(/^0 deployed a{40} with [0-9a-f]{40}\n$/);
      expect((await delivery('deploy', facts)).stdout).toBe(`${revision} is deployed already\n`);
      const release = await delivery('promote', { ...facts, REF: 'refs/tags/v1.2.3' });
      expect(`${release.code} ${release.stdout}${release.stderr}`).toBe('0 opened https://github.com/pull/1\n');
      expect(pulls.calls.at(-1)?.body).toMatchObject({ head: 'promote/ledger-1.2.3', base: 'main' });
      const { REF: _, ...byHand } = facts;
      expect((await delivery('promote', byHand)).stdout).toBe('opened https://github.com/pull/1\n');
      expect(pulls.calls.at(-1)?.body).toMatchObject({ head: `promote/ledger-${revision}` });
      const wrong = await delivery('promote', { ...facts, REF: 'refs/tags/v2.0.0', REVISION: 'b'.repeat(40) });
      expect(wrong.code).toBe(3);
      expect(wrong.stderr).toContain('never in the sandbox');
      expect(first.stdout + first.stderr + wrong.stdout + wrong.stderr).not.toContain('p4ss');
    } finally {
      await pulls.stop();
      await server.stop();
    }
  });

  test('dispatches and builds with the rights of its account', async () => {
    const cluster = await KubernetesStandIn.start();
    const kubeconfig = path.join(folder, 'kubeconfig');
    const { server } = cluster.client.connection;
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server } }],
        users: [{ name: 'u', user: { token: 'token' } }],
      }),
    );
    const image = 'harbor.example.com/payments/ledger';
    cluster.put('/apis/kpack.io/v1alpha2/namespaces/ci-payments/images/ledger', { metadata: { name: 'ledger' } });
    cluster.put('/apis/kpack.io/v1alpha2/namespaces/ci-payments/builds/ledger-build-1', {
      metadata: { name: 'ledger-build-1', labels: { 'image.kpack.io/image': 'ledger' } },
      spec: { tags: [`${image}:${revision}`], source: { git: { revision } } },
      status: { latestImage: `${image}@sha256:1`, conditions: [{ type: 'Succeeded', status: 'True' }] },
    });
    try {
      const push = {
        FORGE: 'github',
        URL: 'https://github.com/metasync/ledger',
        REF: 'refs/heads/main',
        REVISION: revision,
        KUBECONFIG: kubeconfig,
      };
      const first = await delivery('dispatch', push);
      expect(first.stdout + first.stderr).toBe('ci-payments: build of ledger started\n');
      expect((await delivery('dispatch', push)).stdout).toBe('ci-payments: build of ledger was started before\n');
      const nothing = await delivery('dispatch', { ...push, REF: 'refs/heads/wip' });
      expect(`${nothing.code} ${nothing.stdout}`).toBe(
        '0 nothing to do: refs/heads/wip is not delivered; only main is\n',
      );
      const output = path.join(folder, 'image');
      const built = await delivery('build', { ...push, APPLICATION: 'ledger' }, ['--output', output]);
      expect(built.stderr).toBe('');
      expect(readFileSync(output, 'utf8')).toBe(`${image}@sha256:1`);
    } finally {
      await cluster.stop();
    }
  });
});

describe('what cannot be done ends with what to do', () => {
  test.each<[string, string, Readonly<Record<string, string>>, RegExp]>([
    ['an unknown command', 'destroy', {}, /there is no command destroy\nusage: delivery COMMAND/],
    ['a missing fact', 'deploy', {}, /APPLICATION is not set/],
    ['an unknown application', 'deploy', { APPLICATION: 'x' }, /0 applications are called x; set NAMESPACE/],
    [
      'an application of another tenant',
      'deploy',
      { APPLICATION: 'ledger', NAMESPACE: 'ci-data' },
      /0 applications are called ledger/,
    ],
    [
      'a ref that is none',
      'build',
      { APPLICATION: 'ledger', REF: 'main', REVISION: revision },
      /main is neither a branch nor a tag/,
    ],
  ])('%s', async (_, command, facts, message) => {
    const result = await delivery(command, facts);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(message);
  });

  test('missing credentials', async () => {
    rmSync(path.join(folder, 'credentials/password'));
    const facts = { APPLICATION: 'ledger', REF: 'refs/heads/main', REVISION: revision };
    const result = await delivery('deploy', facts);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('no credentials in');
  });
});
