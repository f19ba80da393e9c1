import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, connectionFromEnvironment } from './connection.ts';
import { errorFromAnswer, isReason, isTransient, KubernetesError } from './errors.ts';
import { apiVersionOf, type KubernetesObject, type Resource, resourcePath } from './resources.ts';

export interface ListResult<T> {
  items: T[];
  /** The point from which a watch continues without a gap. */
  resourceVersion: string;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string };

/** First all objects (`LISTED`, again after a gap), then every change. */
export type FollowEvent<T> = WatchEvent<T> | { type: 'LISTED'; items: T[]; resourceVersion: string };

export interface Selection {
  /** Without it: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export interface WatchOptions extends Selection {
  /** Changes after this version; without it the watch starts with the present objects as ADDED. */
  resourceVersion?: string | undefined;
  /** Ends the iteration quietly. */
  signal?: AbortSignal | undefined;
}

export interface WriteOptions {
  /** Checks the request with every admission step, changes nothing. */
  dryRun?: boolean | undefined;
  fieldManager?: string | undefined;
}

export type PatchType = 'merge' | 'json' | 'strategic';

export interface ClientOptions {
  /** Acts as this user (needs the right to impersonate). */
  impersonate?: { user: string; groups?: readonly string[] | undefined } | undefined;
  /** Milliseconds until a request without an answer fails. @default 30000 */
  timeout?: number | undefined;
}

/** Long lists are read in pages of this size. */
const PAGE = 500;
/** Seconds after which a watch is renewed by the server's own choice. */
const WATCH_SECONDS = 290;
const STALE = 'ConnectionClosed';
const PATCH_MEDIA = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

interface RequestOptions {
  query?: Record<string, string | undefined>;
  body?: unknown;
  mediaType?: string;
}

/**
 * A small client for the Kubernetes API: what the programs of this repository need, and little enough to travel in a
 * ConfigMap. Every refusal is a `KubernetesError` with status, reason and the server's message.
 */
export class KubernetesClient {
  readonly connection: Connection;
  readonly #options: ClientOptions;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(connection: Connection, options: ClientOptions = {}) {
    this.connection = connection;
    this.#options = options;
    this.#agent = connection.server.startsWith('https:')
      ? new HttpsAgent({
          keepAlive: true,
          maxSockets: 32,
          ...(connection.ca === undefined ? {} : { ca: connection.ca }),
          ...(connection.clientCertificate === undefined ? {} : { cert: connection.clientCertificate }),
          ...(connection.clientKey === undefined ? {} : { key: connection.clientKey }),
          ...(connection.serverName === undefined ? {} : { servername: connection.serverName }),
          rejectUnauthorized: connection.skipTlsVerify !== true,
        })
      : new HttpAgent({ keepAlive: true, maxSockets: 32 });
  }

  /** The cluster this process runs in, or the one of `KUBECONFIG` / ~/.kube/config. */
  static fromEnvironment(
    options: ClientOptions & { context?: string | undefined; env?: Readonly<Record<string, string | undefined>> } = {},
  ): KubernetesClient {
    return new KubernetesClient(connectionFromEnvironment(options.env ?? process.env, options.context), options);
  }

  /** Closes idle connections, so that a program can end at once. */
  close(): void {
    this.#agent.destroy();
  }

  async list<T extends KubernetesObject = KubernetesObject>(
    resource: Resource,
    selection: Selection = {},
  ): Promise<ListResult<T>> {
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      const page = (await this.#json('GET', resourcePath(resource, selection), {
        query: {
          labelSelector: selection.labelSelector,
          fieldSelector: selection.fieldSelector,
          limit: String(PAGE),
          continue: next,
        },
      })) as { metadata: { resourceVersion: string; continue?: string }; items: T[] | null };
      // Objects in a list carry no kind of their own.
      for (const item of page.items ?? []) {
        items.push({ ...item, apiVersion: apiVersionOf(resource), kind: resource.kind });
      }
      next = page.metadata.continue || undefined;
      if (next === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  get<T extends KubernetesObject = KubernetesObject>(resource: Resource, name: string, namespace?: string): Promise<T> {
    return this.#json('GET', resourcePath(resource, { namespace, name })) as Promise<T>;
  }

  /** Like `get`, with undefined instead of an error when the object (or its kind) does not exist. */
  async find<T extends KubernetesObject = KubernetesObject>(
    resource: Resource,
    name: string,
    namespace?: string,
  ): Promise<T | undefined> {
    try {
      return await this.get<T>(resource, name, namespace);
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  create<T extends KubernetesObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#json('POST', resourcePath(resource, { namespace: object.metadata.namespace }), {
      query: writeQuery(options),
      body: typed(resource, object),
    }) as Promise<T>;
  }

  /** Replaces the whole object; with `metadata.resourceVersion` only if nobody changed it meanwhile. */
  replace<T extends KubernetesObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(resource, object, undefined, options);
  }

  replaceStatus<T extends KubernetesObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(resource, object, 'status', options);
  }

  patch<T extends KubernetesObject = KubernetesObject>(
    resource: Resource,
    where: { name: string; namespace?: string | undefined; subresource?: string | undefined },
    patch: unknown,
    options: WriteOptions & { type?: PatchType | undefined } = {},
  ): Promise<T> {
    return this.#json('PATCH', resourcePath(resource, where), {
      query: writeQuery(options),
      body: patch,
      mediaType: PATCH_MEDIA[options.type ?? 'merge'],
    }) as Promise<T>;
  }

  /** Server-side apply. `fieldManager` names the owner of the fields; conflicts are taken over. */
  apply<T extends KubernetesObject>(
    resource: Resource,
    object: T,
    options: WriteOptions & { fieldManager: string },
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    return this.#json('PATCH', resourcePath(resource, { name: required(name), namespace }), {
      query: { ...writeQuery(options), force: 'true' },
      body: typed(resource, object),
      mediaType: PATCH_MEDIA.apply,
    }) as Promise<T>;
  }

  /** Deletes an object; false when it was not there. */
  async delete(
    resource: Resource,
    name: string,
    options: WriteOptions & {
      namespace?: string | undefined;
      propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined;
    } = {},
  ): Promise<boolean> {
    try {
      await this.#json('DELETE', resourcePath(resource, { namespace: options.namespace, name }), {
        query: { ...writeQuery(options), propagationPolicy: options.propagation ?? 'Background' },
      });
      return true;
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  /** The answer to any GET as text, for example `/readyz` or a pod's log. */
  text(path: string, query: Record<string, string | undefined> = {}): Promise<string> {
    return this.#send('GET', path, { query });
  }

  /** Any other request of the API (token requests, access reviews, scale). */
  raw<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#json(method, path, body === undefined ? {} : { body }) as Promise<T>;
  }

  /**
   * Every change after `resourceVersion`, for as long as the caller iterates. A broken or ended connection is resumed at
   * the last version seen, so that nothing is skipped or reported twice.
   *
   * @throws KubernetesError with reason `Expired` when the server no longer holds that version: list again; and at once
   *   for refusals that waiting does not heal (NotFound, Forbidden, ...)
   */
  async *watch<T extends KubernetesObject = KubernetesObject>(
    resource: Resource,
    options: WatchOptions = {},
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    let version = options.resourceVersion;
    let failures = 0;
    while (!isAborted(options.signal)) {
      const started = Date.now();
      try {
        for await (const event of this.#watchOnce<T>(resource, options, version)) {
          failures = 0;
          version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
          yield event;
        }
        if (Date.now() - started < 1000) failures += 1;
      } catch (error) {
        if (isAborted(options.signal)) return;
        if (!isTransient(error)) throw error;
        failures += 1;
      }
      // An ended stream is renewed at once; a failing server is asked ever less often.
      const pause = failures === 0 ? 10 : Math.min(30_000, 250 * 2 ** Math.min(failures, 10));
      await delay(pause, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }

  /** All objects, then every change; lists again by itself when the server lost the thread. */
  async *follow<T extends KubernetesObject = KubernetesObject>(
    resource: Resource,
    options: Omit<WatchOptions, 'resourceVersion'> = {},
  ): AsyncGenerator<FollowEvent<T>, void, undefined> {
    let failures = 0;
    while (!isAborted(options.signal)) {
      try {
        const listed = await this.list<T>(resource, options);
        failures = 0;
        yield { type: 'LISTED', ...listed };
        yield* this.watch<T>(resource, { ...options, resourceVersion: listed.resourceVersion });
      } catch (error) {
        if (isAborted(options.signal)) return;
        if (!isTransient(error) && !isReason(error, 'Expired')) throw error;
        failures += 1;
        const pause = Math.min(30_000, 250 * 2 ** Math.min(failures, 10));
        await delay(pause, undefined, { signal: options.signal }).catch(() => undefined);
      }
    }
  }

  async *#watchOnce<T extends KubernetesObject>(
    resource: Resource,
    options: WatchOptions,
    version: string | undefined,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const path = resourcePath(resource, options);
    const name = `watch ${path}`;
    const answer = await this.#open('GET', path, {
      query: {
        watch: '1',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(WATCH_SECONDS),
        resourceVersion: version,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      },
    });
    const stop = (): void => {
      answer.destroy();
    };
    options.signal?.addEventListener('abort', stop, { once: true });
    // An abort while the answer was on its way came before the listener.
    if (isAborted(options.signal)) stop();
    // A connection that died without a word is given up soon after the server should have ended it.
    const deadline = setTimeout(stop, (WATCH_SECONDS + 30) * 1000);
    try {
      answer.setEncoding('utf8');
      let rest = '';
      for await (const chunk of answer as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield watchEvent<T>(name, line);
      }
    } catch (error) {
      if (error instanceof KubernetesError) throw error;
      throw new KubernetesError(name, 0, 'Unreachable', messageOf(error), { cause: error });
    } finally {
      clearTimeout(deadline);
      options.signal?.removeEventListener('abort', stop);
      answer.destroy();
    }
  }

  #put<T extends KubernetesObject>(
    resource: Resource,
    object: T,
    subresource: string | undefined,
    options: WriteOptions,
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    return this.#json('PUT', resourcePath(resource, { name: required(name), namespace, subresource }), {
      query: writeQuery(options),
      body: typed(resource, object),
    }) as Promise<T>;
  }

  async #json(method: string, path: string, options: RequestOptions = {}): Promise<unknown> {
    return JSON.parse(await this.#send(method, path, options));
  }

  async #send(method: string, path: string, options: RequestOptions): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await this.#open(method, path, options);
        answer.setEncoding('utf8');
        let text = '';
        for await (const chunk of answer as AsyncIterable<string>) text += chunk;
        return text;
      } catch (error) {
        const failure =
          error instanceof KubernetesError
            ? error
            : new KubernetesError(`${method} ${path}`, 0, 'Unreachable', messageOf(error), { cause: error });
        // Reading again is always safe. "Too many requests" was refused before anything happened.
        // So was a request on a kept connection that the server had closed meanwhile.
        const again = failure.status === 429 || failure.reason === STALE || (method === 'GET' && isTransient(failure));
        if (!again || attempt >= 4) throw failure;
        await delay(200 * 2 ** attempt);
      }
    }
  }

  async #open(method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const url = new URL(this.connection.server + path);
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, value);
    }
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const headers: Record<string, string | string[]> = { accept: 'application/json' };
    if (body !== undefined) {
      headers['content-type'] = options.mediaType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(body));
    }
    if (this.connection.token !== undefined) headers.authorization = `Bearer ${await this.connection.token()}`;
    if (this.#options.impersonate !== undefined) {
      headers['impersonate-user'] = this.#options.impersonate.user;
      const groups = this.#options.impersonate.groups ?? [];
      if (groups.length > 0) headers['impersonate-group'] = [...groups];
    }
    const name = `${method} ${path}`;
    const answer = await new Promise<IncomingMessage>((fulfil, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const sent: ClientRequest = send(url, { method, headers, agent: this.#agent }, fulfil);
      const limit = this.#options.timeout ?? 30_000;
      sent.setTimeout(limit, () => sent.destroy(new Error(`no answer from ${url.host} within ${limit / 1000} s`)));
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const stale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        const reason = stale ? STALE : 'Unreachable';
        reject(new KubernetesError(name, 0, reason, `${url.host}: ${messageOf(error)}`, { cause: error }));
      });
      sent.end(body);
    });
    // From here on silence is normal: a watch may be quiet for minutes.
    if (options.query?.watch !== undefined) answer.socket.setTimeout(0);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    answer.setEncoding('utf8');
    let text = '';
    for await (const chunk of answer as AsyncIterable<string>) text += chunk;
    throw errorFromAnswer(name, status, text);
  }
}

function watchEvent<T extends KubernetesObject>(request: string, line: string): WatchEvent<T> {
  const event = JSON.parse(line) as { type: string; object: T & { code?: number } };
  if (event.type === 'ERROR') throw errorFromAnswer(request, event.object.code ?? 500, JSON.stringify(event.object));
  if (event.type === 'BOOKMARK') {
    return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? '' };
  }
  if (event.type === 'ADDED' || event.type === 'MODIFIED' || event.type === 'DELETED') {
    return { type: event.type, object: event.object };
  }
  throw new KubernetesError(request, 500, 'InternalError', `unknown watch event ${event.type}`);
}

function writeQuery(options: WriteOptions): Record<string, string | undefined> {
  return { dryRun: options.dryRun === true ? 'All' : undefined, fieldManager: options.fieldManager };
}

function typed<T extends KubernetesObject>(resource: Resource, object: T): T {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function required(name: string | undefined): string {
  if (!name) throw new Error('the object has no metadata.name');
  return name;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
