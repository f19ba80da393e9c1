import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubernetesClient } from '../../runtime/kubernetes/client.ts';
import type { KubernetesObject } from '../../runtime/kubernetes/resources.ts';

/**
 * A small API server in memory for programs that only make, read and change objects: create, get, list by label, replace, status,
 * merge patch, apply, delete. It gives uids, versions and time stamps, and knows nothing of schemas or admission.
 */
export class KubernetesStandIn {
  readonly client: KubernetesClient;
  /** Every request that could have changed something, as `METHOD /path`. */
  readonly writes: string[] = [];
  /** By path, for example `/api/v1/namespaces/kargo/secrets/x`. */
  readonly objects = new Map<string, KubernetesObject>();
  /** Called after each write; for controllers that tests play. */
  afterWrite: () => void = () => undefined;
  private readonly server;
  private version = 0;

  private constructor(server: ReturnType<typeof createServer>, client: KubernetesClient) {
    this.server = server;
    this.client = client;
  }

  static async start(): Promise<KubernetesStandIn> {
    let standIn: KubernetesStandIn | undefined;
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => {
        body += piece;
      });
      request.on('end', () => standIn?.answer(request, response, body));
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    const client = new KubernetesClient({
      server: `http://127.0.0.1:${port}`,
      namespace: 'default',
      context: 'stand-in',
    });
    standIn = new KubernetesStandIn(server, client);
    return standIn;
  }

  async stop(): Promise<void> {
    this.client.close();
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  /** Puts an object there, as if it had always been. */
  put(path: string, object: KubernetesObject): void {
    this.store(path, object);
  }

  private store(path: string, object: KubernetesObject): KubernetesObject {
    this.version += 1;
    const known = this.objects.get(path)?.metadata;
    const metadata = {
      ...object.metadata,
      uid: known?.uid ?? `uid-${this.version}`,
      creationTimestamp: known?.creationTimestamp ?? new Date().toISOString().replace(/\.\d+/, ''),
      resourceVersion: String(this.version),
      generation: (known?.generation ?? 0) + 1,
    };
    const stored = { ...object, metadata };
    this.objects.set(path, stored);
    return stored;
  }

  private answer(request: IncomingMessage, response: ServerResponse, body: string): undefined {
    const url = new URL(request.url ?? '', 'http://stand-in');
    const method = request.method ?? 'GET';
    const path = url.pathname;
    const send = (status: number, value: unknown): undefined => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      return undefined;
    };
    const notFound = (): undefined => send(404, { reason: 'NotFound', message: `${path} not found` });
    if (method !== 'GET') this.writes.push(`${method} ${path}`);
    const isStatus = path.endsWith('/status');
    const target = isStatus ? path.slice(0, -'/status'.length) : path;
    const known = this.objects.get(target);
    const value = body === '' ? undefined : (JSON.parse(body) as KubernetesObject);
    if (method === 'GET') {
      if (known !== undefined) send(200, known);
      else if (isCollection(path)) send(200, this.list(path, url.searchParams.get('labelSelector')));
      else notFound();
    } else if (method === 'POST' && value !== undefined) {
      const at = `${path}/${value.metadata.name}`;
      if (this.objects.has(at)) return send(409, { reason: 'AlreadyExists', message: `${at} already exists` });
      // A status is dropped where there is a subresource for it: everywhere but in Argo CD's Applications.
      const { status: _, ...rest } = value;
      send(201, this.store(at, path.endsWith('/applications') ? value : (rest as KubernetesObject)));
    } else if (method === 'PUT' && value !== undefined) {
      if (known === undefined) return notFound();
      send(200, this.store(target, isStatus ? { ...known, status: value.status } : value));
    } else if (method === 'PATCH' && value !== undefined) {
      const applied = request.headers['content-type']?.includes('apply-patch') === true;
      if (known === undefined && !applied) return notFound();
      send(200, this.store(target, merge(known ?? {}, value) as KubernetesObject));
    } else if (method === 'DELETE') {
      if (known === undefined) return notFound();
      this.objects.delete(target);
      send(200, { status: 'Success' });
    } else send(405, { reason: 'MethodNotAllowed', message: method });
    if (method !== 'GET') this.afterWrite();
    return undefined;
  }

  private list(path: string, labelSelector: string | null): unknown {
    const wanted = (labelSelector ?? '')
      .split(',')
      .filter(Boolean)
      .map((term) => term.split('='));
    const matches = (object: KubernetesObject): boolean =>
      wanted.every(([key, value]) => object.metadata.labels?.[key ?? ''] === value);
    const items = [...this.objects]
      .filter(([at, object]) => at.slice(0, at.lastIndexOf('/')) === path && matches(object))
      .map(([, object]) => object);
    return { metadata: { resourceVersion: String(this.version) }, items };
  }
}

/** `/api/v1/secrets` or `/api/v1/namespaces/x/secrets`: everything but a single object. */
function isCollection(path: string): boolean {
  const parts = path.split('/').filter(Boolean);
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  return rest.length === 1 || (rest[0] === 'namespaces' && rest.length === 3);
}

/** JSON merge patch; lists of containers and variables are merged by name, as a strategic patch does. */
function merge(old: unknown, patch: unknown): unknown {
  if (Array.isArray(patch) && Array.isArray(old) && patch.every((item) => typeof item?.name === 'string')) {
    const items = old.map((item: { name: string }) => {
      const change = patch.find((candidate: { name: string }) => candidate.name === item.name);
      return change === undefined ? item : merge(item, change);
    });
    const names = new Set(old.map((item: { name: string }) => item.name));
    return [...items, ...patch.filter((item) => !names.has(item.name)).map((item) => merge({}, item))];
  }
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof old === 'object' && old !== null ? { ...old } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}
