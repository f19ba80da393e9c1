import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DeliverySettings } from '../../../model/delivery/index.ts';
import { type GitRemote, git } from '../../../runtime/state/git.ts';

export const revision = 'a'.repeat(40);

/** One application on each kind of forge. */
export const settings: DeliverySettings = {
  forges: [
    { name: 'github', kind: 'github', url: 'https://github.com', hook: 'https://hook.example.com/github/push' },
    { name: 'azure', kind: 'azure-devops', url: 'https://dev.azure.com', hook: 'https://hook.example.com/azure/push' },
  ],
  applications: [
    {
      tenant: 'payments',
      name: 'ledger',
      ciNamespace: 'ci-payments',
      source: { forge: 'github', owner: 'metasync', repository: 'ledger' },
      gitOps: { forge: 'github', owner: 'metasync', repository: 'ledger-gitops' },
      image: 'harbor.example.com/payments/ledger',
    },
    {
      tenant: 'data',
      name: 'sales',
      ciNamespace: 'ci-data',
      source: { forge: 'azure', owner: 'metasync', project: 'data', repository: 'sales' },
      gitOps: { forge: 'azure', owner: 'metasync', project: 'data', repository: 'sales-gitops' },
      image: 'harbor.example.com/data/sales',
    },
  ],
  tags: 'revision',
  branches: { sandbox: 'develop', production: 'main' },
  overlays: { sandbox: 'app/overlays/snd', production: 'app/overlays/prd' },
  workflows: { build: 'build', release: 'release' },
  timeouts: { buildAppears: 600, buildEnds: 3600 },
  registry: { api: 'https://harbor.example.com' },
};

/** A kustomization as a person left it: with a comment, another image and an order of its own. */
export const kustomization = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../base
# The proxy is pinned by hand.
images:
  - name: proxy
    newTag: "1.2"
  - name: application
    newName: harbor.example.com/payments/ledger
`;

/** Pushes files to a branch of a bare repository, as a person's commit. Gives the commit. */
export async function pushFiles(
  remote: GitRemote,
  branch: string,
  files: Readonly<Record<string, string>>,
  from?: string,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'push-'));
  const here = { cwd: folder, remote };
  try {
    await git(['init', '--quiet', folder]);
    const base = from ?? branch;
    await git(['fetch', '--quiet', '--', remote.url, `refs/heads/${base}`], here).then(
      () => git(['checkout', '--quiet', '--detach', 'FETCH_HEAD'], here),
      () => undefined,
    );
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    await git(['add', '--all'], here);
    await git(
      ['-c', 'user.name=P', '-c', 'user.email=p@example.org', 'commit', '--quiet', '--allow-empty', '-m', 'By hand'],
      here,
    );
    await git(['push', '--quiet', '--', remote.url, `HEAD:refs/heads/${branch}`], here);
    return (await git(['rev-parse', 'HEAD'], here)).trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** An HTTP server on loopback that answers by a function and remembers every call. */
export async function jsonServer(
  answer: (call: Call) => { readonly status: number; readonly body?: unknown },
): Promise<{ readonly url: string; readonly calls: Call[]; stop(): Promise<void> }> {
  const calls: Call[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let text = '';
    request.on('data', (piece) => {
      text += piece;
    });
    request.on('end', () => {
      const call: Call = {
        method: request.method ?? '',
        path: request.url ?? '',
        authorization: request.headers.authorization,
        body: text === '' ? undefined : JSON.parse(text),
      };
      calls.push(call);
      const { status, body } = answer(call);
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
