import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the forge knows about a commit's status. */
export interface StoredStatus {
  readonly context: string;
  readonly state: string;
  readonly description: string;
  readonly target: string;
}

/** Takes a request over, before the normal answers; true if it did. */
export type Disturbance = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

/**
 * A forge with a registry beside it, over real HTTP. It gives the answers of a real Gitea 1.25 and a real distribution
 * registry to the requests it knows, and keeps every other request as an error: `unknown` must stay empty.
 */
export class Forge {
  readonly token = 'token-of-ci';
  readonly unknown: string[] = [];
  /** All requests as `METHOD path`, in order. */
  readonly requests: string[] = [];
  readonly statuses: StoredStatus[] = [];
  readonly packages = new Map<string, string>();
  /** Images as `name:tag`. */
  readonly images: string[] = [];
  disturbance: Disturbance | undefined;
  readonly #server: Server;
  #count = 0;

  private constructor() {
    this.#server = createServer((request, response) => this.answer(request, response));
  }

  static async start(): Promise<Forge> {
    const forge = new Forge();
    await new Promise<void>((resolve) => forge.#server.listen(0, '127.0.0.1', resolve));
    return forge;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The last status of a context. */
  status(context = 'integration-test'): StoredStatus | undefined {
    return this.statuses.findLast((status) => status.context === context);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.requests.push(`${request.method} ${path}`);
    this.#count += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (this.disturbance?.(request, response, this.#count) !== true) {
        this.normal(request, response, path, Buffer.concat(chunks).toString());
      }
    });
  }

  private normal(request: IncomingMessage, response: ServerResponse, path: string, body: string): void {
    const image = /^\/v2\/stonks-oracle\/([a-z-]+)\/manifests\/([^/]+)$/.exec(path);
    if (request.method === 'HEAD' && image !== null) {
      response.writeHead(this.images.includes(`${image[1]}:${image[2]}`) ? 200 : 404).end();
      return;
    }
    if (request.headers.authorization !== `token ${this.token}`) {
      json(response, 401, { message: 'invalid username, password or token', url: `${this.url}/api/swagger` });
      return;
    }
    const status = /^\/api\/v1\/repos\/stonks\/stonks-oracle\/statuses\/[0-9a-f]{40}$/.test(path);
    if (request.method === 'POST' && status) {
      this.setStatus(response, body);
      return;
    }
    if (/^\/api\/packages\/stonks\/generic\/inttest-results\/[0-9a-f]{40}-\d+\/[\w.-]+$/.test(path)) {
      this.package(request, response, path, body);
      return;
    }
    this.unknown.push(`${request.method} ${path}`);
    json(response, 404, { message: 'The target could not be found.', url: `${this.url}/api/swagger` });
  }

  private setStatus(response: ServerResponse, body: string): void {
    const { context, state, description, target_url: target } = JSON.parse(body) as Record<string, string>;
    this.statuses.push({
      context: context ?? '',
      state: state ?? '',
      description: description ?? '',
      target: target ?? '',
    });
    json(response, 201, {
      id: this.statuses.length,
      status: state,
      target_url: target,
      description,
      context,
      creator: { id: 2, login: 'ci' },
      created_at: '2026-01-02T03:04:05Z',
      updated_at: '2026-01-02T03:04:05Z',
    });
  }

  private package(request: IncomingMessage, response: ServerResponse, path: string, body: string): void {
    const stored = this.packages.get(path);
    if (request.method === 'GET') {
      response.writeHead(stored === undefined ? 404 : 200).end(stored);
    } else if (request.method === 'PUT') {
      if (stored === undefined) {
        this.packages.set(path, body);
      }
      response.writeHead(stored === undefined ? 201 : 409).end();
    } else {
      this.unknown.push(`${request.method} ${path}`);
      response.writeHead(405).end();
    }
  }
}

function json(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' }).end(JSON.stringify(document));
}
