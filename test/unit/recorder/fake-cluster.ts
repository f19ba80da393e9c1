import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';

type Change = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubernetesObject;
  readonly version: number;
};
interface Collection {
  readonly objects: Map<string, KubernetesObject>;
  readonly changes: Change[];
  readonly watchers: Set<ServerResponse>;
}

const collections = [
  'kargo.akuity.io/v1alpha1/promotions',
  'kargo.akuity.io/v1alpha1/freights',
  'kargo.akuity.io/v1alpha1/stages',
  'admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
  'coordination.k8s.io/v1/leases',
  'v1/events',
];

export const project = 'stonks-pipeline';

/** The part of the API server that the recorder talks to: lists, watches, leases. Any other request is noted as unknown. */
export class FakeCluster {
  readonly unknown: string[] = [];
  readonly folder = mkdtempSync(path.join(tmpdir(), 'fake-cluster-'));
  private readonly collections = new Map<string, Collection>();
  private readonly server: Server;
  private version = 100;
  /** Versions below this one are gone: a watch from there gets 410. */
  private oldest = 0;

  private constructor() {
    for (const name of collections)
      this.collections.set(name, { objects: new Map(), changes: [], watchers: new Set() });
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: Error) => {
        this.unknown.push(`${request.method} ${request.url}: ${error.message}`);
        response.destroy();
      });
    });
  }

  static async start(): Promise<FakeCluster> {
    const cluster = new FakeCluster();
    await new Promise<void>((resolve) => cluster.server.listen(0, '127.0.0.1', resolve));
    writeFileSync(cluster.kubeconfig, JSON.stringify(kubeconfigOf(cluster.url)));
    return cluster;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  get kubeconfig(): string {
    return path.join(this.folder, 'kubeconfig');
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes or changes an object, as its controllers would. */
  put(plural: string, object: KubernetesObject): KubernetesObject {
    const collection = this.collection(plural);
    const name = object.metadata.name ?? '';
    const before = collection.objects.get(name);
    this.version += 1;
    const stored: KubernetesObject = {
      ...object,
      metadata: {
        uid: before?.metadata.uid ?? `uid-${this.version}`,
        ...object.metadata,
        resourceVersion: String(this.version),
      },
    };
    collection.objects.set(name, stored);
    this.publish(collection, { type: before ? 'MODIFIED' : 'ADDED', object: stored, version: this.version });
    return stored;
  }

  get(plural: string, name: string): KubernetesObject | undefined {
    return this.collection(plural).objects.get(name);
  }

  delete(plural: string, name: string): void {
    const collection = this.collection(plural);
    const object = collection.objects.get(name);
    if (!object) throw new Error(`there is no ${plural}/${name}`);
    collection.objects.delete(name);
    this.version += 1;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    this.publish(collection, { type: 'DELETED', object: last, version: this.version });
  }

  /** Cuts every connection, as a restart of the API server does. */
  cut(): void {
    this.server.closeAllConnections();
  }

  /** Forgets the changes so far: watches must list again. */
  compact(): void {
    this.oldest = this.version;
    this.cut();
  }

  private collection(plural: string): Collection {
    const name = collections.find((entry) => entry.endsWith(`/${plural}`));
    if (!name) throw new Error(`the fake cluster has no ${plural}`);
    return this.collections.get(name)!;
  }

  private publish(collection: Collection, change: Change): void {
    collection.changes.push(change);
    for (const watcher of collection.watchers) watcher.write(lineOf(change));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const match = /^\/apis?\/((?:[^/]+\/)?v[^/]+)\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?$/.exec(url.pathname);
    const collection = match && this.collections.get(`${match[1]}/${match[3]}`);
    const plural = match?.[3] ?? '';
    const name = match?.[4];
    const isLease = plural === 'leases';
    if (!collection || (match[2] !== undefined && match[2] !== project && !isLease)) {
      return this.refuse(request, response, 404, 'NotFound', true);
    }
    if (request.method === 'GET' && name === undefined && url.searchParams.get('watch') === '1')
      return this.watch(collection, url, response);
    if (request.method === 'GET' && name === undefined) return this.list(collection, url, response);
    if (request.method === 'GET') {
      const object = collection.objects.get(name ?? '');
      return object ? send(response, 200, object) : this.refuse(request, response, 404, 'NotFound', false);
    }
    if (isLease && (request.method === 'POST' || request.method === 'PUT'))
      return this.writeLease(collection, request, response, name);
    return this.refuse(request, response, 405, 'MethodNotAllowed', true);
  }

  private list(collection: Collection, url: URL, response: ServerResponse): void {
    const field = url.searchParams.get('fieldSelector') ?? '';
    const wanted = /involvedObject\.name=([^,]+)/.exec(field)?.[1];
    const items = [...collection.objects.values()].filter(
      (object) => wanted === undefined || (object.involvedObject as { name?: string } | undefined)?.name === wanted,
    );
    send(response, 200, { metadata: { resourceVersion: String(this.version) }, items });
  }

  private watch(collection: Collection, url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion') ?? '0');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < this.oldest) {
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } })}\n`,
      );
      return;
    }
    for (const change of collection.changes) if (change.version > from) response.write(lineOf(change));
    collection.watchers.add(response);
    response.once('close', () => collection.watchers.delete(response));
  }

  private async writeLease(
    collection: Collection,
    request: IncomingMessage,
    response: ServerResponse,
    name: string | undefined,
  ): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const object = JSON.parse(text) as KubernetesObject;
    const present = collection.objects.get(name ?? object.metadata.name ?? '');
    if (request.method === 'POST' && present) return this.refuse(request, response, 409, 'AlreadyExists', false);
    if (request.method === 'PUT' && present?.metadata.resourceVersion !== object.metadata.resourceVersion) {
      return this.refuse(request, response, 409, 'Conflict', false);
    }
    send(response, request.method === 'POST' ? 201 : 200, this.put('leases', object));
  }

  private refuse(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    reason: string,
    unknown: boolean,
  ): void {
    if (unknown) this.unknown.push(`${request.method} ${request.url}`);
    send(response, status, {
      kind: 'Status',
      status: 'Failure',
      reason,
      code: status,
      message: `${reason}: ${request.url}`,
    });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function lineOf({ type, object }: Change): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function kubeconfigOf(server: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server } }],
    users: [{ name: 'fake', user: { token: 'fake-token' } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
    'current-context': 'fake',
  };
}
