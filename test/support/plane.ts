import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dump, loadAll } from 'js-yaml';
import type { KubernetesObject } from '../../constructs/core/index.ts';
import { type Finished, freePorts, output, run, stop, until } from './processes.ts';
import { environmentWithTools, planeFolder, tool } from './tools.ts';

/** Copies of the custom resource definitions, beside the checkout. */
export const crdFolder = process.env.PIPELINES_CRDS ?? fileURLToPath(new URL('../../../shared/crds', import.meta.url));

export interface PlaneOptions {
  /** Folders of crdFolder whose definitions are installed, for example `kargo`. @default - none */
  readonly crds?: readonly string[];
  /** More flags of the API server. @default - none */
  readonly apiServerFlags?: readonly string[];
  /** Whether the controller manager and scheduler run too. @default true */
  readonly controllers?: boolean;
}

export interface Answer {
  readonly status: number;
  /** The parsed body, or its text where it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of the API server have every shape
  readonly body: any;
}

/** Whom a request is sent as, on top of the administrator's token. */
export interface Caller {
  readonly as?: string;
  readonly groups?: readonly string[];
  /** A token instead of the administrator's. */
  readonly token?: string;
}

/** A throw-away control plane of one test file. */
export interface Plane {
  readonly url: string;
  readonly kubeconfig: string;
  readonly folder: string;
  /** Sends one request; never throws for a status. */
  request(
    method: string,
    path: string,
    body?: unknown,
    options?: Caller & { readonly contentType?: string },
  ): Promise<Answer>;
  /** Runs kubectl against the plane; never throws for its exit code. */
  kubectl(args: readonly string[], input?: string): Promise<Finished>;
  /** Applies objects by server-side apply, in order, as the set-up does; throws with every refusal. */
  apply(
    objects: readonly KubernetesObject[],
    options?: { readonly dryRun?: boolean; readonly as?: string },
  ): Promise<void>;
  stop(): Promise<void>;
}

const adminToken = 'admin-token';

/** Starts etcd, the API server and (unless switched off) the controller manager and scheduler, on loopback. */
export async function startPlane(options: PlaneOptions = {}): Promise<Plane> {
  const folder = mkdtempSync(path.join(tmpdir(), 'plane-'));
  const [api, etcd, peer] = (await freePorts(3)) as [number, number, number];
  for (const part of ['etcd', 'pki', 'log']) mkdirSync(path.join(folder, part));
  await makeKeys(folder);
  writeFileSync(
    path.join(folder, 'pki/tokens.csv'),
    `${adminToken},admin,admin,system:masters\nviewer-token,viewer,viewer,viewers\n`,
  );
  const url = `https://127.0.0.1:${api}`;
  const kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText(url));

  const children: ChildProcess[] = [];
  const start = (name: string, args: readonly string[]): void => {
    const program = path.join(planeFolder, name);
    if (!existsSync(program)) throw new Error(`${program} is missing; \`bash .ci/run\` builds it`);
    const log = openSync(path.join(folder, `log/${name}.log`), 'a');
    children.push(spawn(program, args, { stdio: ['ignore', log, log] }));
  };
  const endAll = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  process.once('exit', endAll);

  start('etcd', [
    '--data-dir',
    path.join(folder, 'etcd'),
    '--unsafe-no-fsync',
    '--listen-client-urls',
    `http://127.0.0.1:${etcd}`,
    '--advertise-client-urls',
    `http://127.0.0.1:${etcd}`,
    '--listen-peer-urls',
    `http://127.0.0.1:${peer}`,
    '--initial-advertise-peer-urls',
    `http://127.0.0.1:${peer}`,
    '--initial-cluster',
    `default=http://127.0.0.1:${peer}`,
  ]);
  start('kube-apiserver', [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${api}`,
    `--cert-dir=${folder}/pki`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${folder}/pki/sa.pub`,
    `--service-account-signing-key-file=${folder}/pki/sa.key`,
    `--token-auth-file=${folder}/pki/tokens.csv`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--allow-privileged=true',
    '--endpoint-reconciler-type=none',
    ...(options.apiServerFlags ?? []),
  ]);

  const agent = new Agent({ rejectUnauthorized: false, keepAlive: true });
  const request: Plane['request'] = (method, target, body, caller = {}) =>
    send(agent, `${url}${target}`, method, body, caller);

  const plane: Plane = {
    url,
    kubeconfig,
    folder,
    request,
    kubectl: (args, input) =>
      run(tool('kubectl'), ['--kubeconfig', kubeconfig, ...args], { input, env: environmentWithTools() }),
    apply: (objects, how = {}) => applyAll(plane, objects, how),
    async stop() {
      agent.destroy();
      await Promise.all(children.map((child) => stop(child, 'SIGKILL')));
      process.off('exit', endAll);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await until(
      'the API server is ready',
      async () => ((await request('GET', '/readyz')).status === 200 ? true : undefined),
      120_000,
    );
    if (options.controllers ?? true) {
      start('kube-controller-manager', [
        `--kubeconfig=${kubeconfig}`,
        `--service-account-private-key-file=${folder}/pki/sa.key`,
        '--use-service-account-credentials=true',
        '--leader-elect=false',
        '--secure-port=0',
        '--controllers=*,-nodeipam,-ttl',
        // Volumes and claims find each other at the next round; the usual 15 s would be spent waiting.
        '--pvclaimbinder-sync-period=1s',
      ]);
      start('kube-scheduler', [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0']);
    }
    await installCrds(plane, options.crds ?? []);
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

async function makeKeys(folder: string): Promise<void> {
  await output('openssl', ['genrsa', '-out', `${folder}/pki/sa.key`, '2048']);
  await output('openssl', ['rsa', '-in', `${folder}/pki/sa.key`, '-pubout', '-out', `${folder}/pki/sa.pub`]);
}

function kubeconfigText(server: string): string {
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'localplane', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [
      { name: 'admin', user: { token: adminToken } },
      { name: 'viewer', user: { token: 'viewer-token' } },
    ],
    contexts: [
      { name: 'localplane', context: { cluster: 'localplane', user: 'admin' } },
      { name: 'viewer', context: { cluster: 'localplane', user: 'viewer' } },
    ],
    'current-context': 'localplane',
  });
}

function send(
  agent: Agent,
  url: string,
  method: string,
  body: unknown,
  caller: Caller & { readonly contentType?: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const call = httpsRequest(url, {
      agent,
      method,
      headers: {
        authorization: `Bearer ${caller.token ?? adminToken}`,
        accept: 'application/json',
        ...(text === undefined
          ? {}
          : { 'content-type': caller.contentType ?? 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(caller.as ? { 'impersonate-user': caller.as } : {}),
        ...(caller.groups ? { 'impersonate-group': [...caller.groups] } : {}),
      },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const raw = Buffer.concat(parts).toString();
        resolve({ status: response.statusCode ?? 0, body: parsed(raw) });
      });
    });
    call.end(text);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function installCrds(plane: Plane, folders: readonly string[]): Promise<void> {
  const crds = folders.flatMap((name) =>
    readdirSync(path.join(crdFolder, name)).flatMap(
      (file) => loadAll(readFileSync(path.join(crdFolder, name, file), 'utf8')) as KubernetesObject[],
    ),
  );
  for (const crd of crds) {
    const answer = await plane.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    if (answer.status !== 201) throw new Error(`${crd.metadata.name}: ${answer.body?.message ?? answer.status}`);
  }
  for (const crd of crds) {
    const { group, names, versions } = crd['spec'] as {
      group: string;
      names: { plural: string };
      versions: Array<{ name: string; served: boolean }>;
    };
    const served = versions.find((version) => version.served);
    // "Established" comes before the storage answers: the list itself is the sign.
    await until(`${crd.metadata.name} is served`, async () => {
      const { status } = await plane.request('GET', `/apis/${group}/${served?.name}/${names.plural}`);
      return status === 200 ? true : undefined;
    });
  }
}

async function applyAll(
  plane: Plane,
  objects: readonly KubernetesObject[],
  how: { readonly dryRun?: boolean; readonly as?: string },
): Promise<void> {
  if (objects.length === 0) return;
  const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller', '-f', '-'];
  if (how.dryRun) args.push('--dry-run=server');
  if (how.as) args.push('--as', how.as, '--as-group', 'system:masters');
  const result = await plane.kubectl(args, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  if (result.code !== 0) throw new Error(result.stderr);
}
