import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { isReason, KubernetesError } from '../../../runtime/kubernetes/errors.ts';
import { CONFIG_MAPS, PROJECTS, PROMOTIONS } from '../../../runtime/kubernetes/resources.ts';

type Handler = (request: IncomingMessage, url: URL, response: ServerResponse, body: string) => void;
let server: Server | undefined;
let client: KubernetesClient | undefined;

async function api(handler: Handler, options = {}): Promise<KubernetesClient> {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => handler(request, new URL(request.url ?? '', 'http://x'), response, body));
  });
  await new Promise<void>((ready) => server?.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  client = new KubernetesClient(
    { server: `http://127.0.0.1:${port}`, token: async () => 't0ken', namespace: 'default', context: 'test' },
    options,
  );
  return client;
}

afterEach(async () => {
  client?.close();
  server?.closeAllConnections();
  await new Promise((closed) => (server ? server.close(closed) : closed(undefined)));
  server = undefined;
});

const json = (response: ServerResponse, status: number, value: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};
const promotion = (name: string, resourceVersion: string) => ({ metadata: { name, namespace: 'p', resourceVersion } });
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;

describe('reading and writing', () => {
  test('a list in pages comes back whole, with kind and apiVersion on every item', async () => {
    const pages: string[] = [];
    const kube = await api((_, url, response) => {
      pages.push(url.searchParams.get('continue') ?? 'first');
      const first = url.searchParams.get('continue') === null;
      json(response, 200, {
        metadata: { resourceVersion: '7', continue: first ? 'more' : '' },
        items: first ? [promotion('a', '1')] : [promotion('b', '2')],
      });
    });
    const listed = await kube.list(PROMOTIONS, { namespace: 'p' });
    expect(pages).toEqual(['first', 'more']);
    expect(listed.resourceVersion).toBe('7');
    expect(listed.items.map((item) => [item.metadata.name, item.kind, item.apiVersion])).toEqual([
      ['a', 'Promotion', 'kargo.akuity.io/v1alpha1'],
      ['b', 'Promotion', 'kargo.akuity.io/v1alpha1'],
    ]);
  });

  test('every verb uses the address, method and media type of the Kubernetes API', async () => {
    const seen: string[] = [];
    const kube = await api((request, url, response) => {
      seen.push(`${request.method} ${url.pathname}${url.search} ${request.headers['content-type'] ?? '-'}`);
      expect(request.headers.authorization).toBe('Bearer t0ken');
      json(response, 200, promotion('a', '1'));
    });
    const object = promotion('a', '1');
    await kube.create(PROMOTIONS, object);
    await kube.replace(PROMOTIONS, object, { dryRun: true });
    await kube.replaceStatus(PROMOTIONS, object);
    await kube.patch(PROMOTIONS, { name: 'a', namespace: 'p' }, { metadata: { labels: { x: null } } });
    await kube.apply(PROJECTS, { metadata: { name: 'q' } }, { fieldManager: 'argocd-controller' });
    await kube.delete(CONFIG_MAPS, 'c', { namespace: 'p' });
    const base = '/apis/kargo.akuity.io/v1alpha1';
    expect(seen).toEqual([
      `POST ${base}/namespaces/p/promotions application/json`,
      `PUT ${base}/namespaces/p/promotions/a?dryRun=All application/json`,
      `PUT ${base}/namespaces/p/promotions/a/status application/json`,
      `PATCH ${base}/namespaces/p/promotions/a application/merge-patch+json`,
      `PATCH ${base}/projects/q?fieldManager=argocd-controller&force=true application/apply-patch+yaml`,
      'DELETE /api/v1/namespaces/p/configmaps/c?propagationPolicy=Background -',
    ]);
  });

  test('a refusal carries status, reason and the words of the server', async () => {
    const kube = await api((_, __, response) =>
      json(response, 403, { kind: 'Status', reason: 'Forbidden', message: 'blocked: market hours', code: 403 }),
    );
    const error = await kube.create(PROMOTIONS, promotion('a', '1')).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(KubernetesError);
    expect(error).toMatchObject({ status: 403, reason: 'Forbidden', serverMessage: 'blocked: market hours' });
    expect((error as Error).message).toContain('POST /apis/kargo.akuity.io/v1alpha1/namespaces/p/promotions');
  });

  test('find answers undefined and delete answers false for what does not exist', async () => {
    const kube = await api((_, __, response) => json(response, 404, { reason: 'NotFound', message: 'no' }));
    expect(await kube.find(PROJECTS, 'x')).toBeUndefined();
    expect(await kube.delete(PROJECTS, 'x')).toBe(false);
    await expect(kube.get(PROJECTS, 'x')).rejects.toSatisfy((error) => isReason(error, 'NotFound'));
  });

  test('reading is repeated when the server is briefly unwell, writing is not', async () => {
    let reads = 0;
    let writes = 0;
    const kube = await api((request, _, response) => {
      if (request.method === 'GET') reads += 1;
      else writes += 1;
      if (request.method === 'GET' && reads > 1) return json(response, 200, promotion('a', '1'));
      return json(response, 503, { reason: 'ServiceUnavailable', message: 'etcd' });
    });
    expect((await kube.get(PROMOTIONS, 'a', 'p')).metadata.name).toBe('a');
    expect(reads).toBe(2);
    await expect(kube.create(PROMOTIONS, promotion('a', '1'))).rejects.toThrow('503 ServiceUnavailable: etcd');
    expect(writes).toBe(1);
  });

  test('an unreachable server and one that never answers are named', async () => {
    const nobody = new KubernetesClient({ server: 'http://127.0.0.1:1', namespace: 'd', context: 'x' });
    await expect(nobody.create(PROJECTS, { metadata: { name: 'q' } })).rejects.toThrow(/Unreachable: 127\.0\.0\.1:1/);
    const silent = await api(() => undefined, { timeout: 50 });
    await expect(silent.create(PROJECTS, { metadata: { name: 'q' } })).rejects.toThrow('within 0.05 s');
  });

  test('acts as another user when told to', async () => {
    let headers: IncomingMessage['headers'] = {};
    const kube = await api(
      (request, _, response) => {
        headers = request.headers;
        json(response, 200, promotion('a', '1'));
      },
      { impersonate: { user: 'pipelines-set-up', groups: ['system:masters'] } },
    );
    await kube.get(PROMOTIONS, 'a', 'p');
    expect(headers['impersonate-user']).toBe('pipelines-set-up');
    expect(headers['impersonate-group']).toBe('system:masters');
  });
});

describe('watching', () => {
  test('resumes at the last version seen after the connection breaks, and at a bookmark', async () => {
    const versions: (string | null)[] = [];
    const kube = await api((_, url, response) => {
      versions.push(url.searchParams.get('resourceVersion'));
      response.writeHead(200);
      if (versions.length === 1) {
        // An event cut into two pieces, then a connection that dies.
        const text = line('ADDED', promotion('a', '11'));
        response.write(text.slice(0, 20), () => response.write(text.slice(20), () => response.destroy()));
      } else if (versions.length === 2) {
        response.write(line('BOOKMARK', { metadata: { resourceVersion: '20' } }));
        response.end();
      } else {
        response.write(line('DELETED', promotion('a', '21')));
      }
    });
    const events: string[] = [];
    const stop = new AbortController();
    for await (const event of kube.watch(PROMOTIONS, {
      namespace: 'p',
      resourceVersion: '10',
      signal: stop.signal,
    })) {
      events.push(event.type);
      if (event.type === 'DELETED') stop.abort();
    }
    expect(events).toEqual(['ADDED', 'BOOKMARK', 'DELETED']);
    expect(versions).toEqual(['10', '11', '20']);
  });

  test('says Expired when the version is too old, as an answer or as an event', async () => {
    let asked = 0;
    const kube = await api((_, __, response) => {
      asked += 1;
      if (asked === 1) return json(response, 410, { reason: 'Expired', message: 'too old resource version' });
      return response.end(line('ERROR', { code: 410, reason: 'Expired', message: 'too old' }));
    });
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(kube.watch(PROMOTIONS, { resourceVersion: '1' }).next()).rejects.toSatisfy((error) =>
        isReason(error, 'Expired'),
      );
    }
  });

  test('does not wait for what waiting does not heal', async () => {
    const kube = await api((_, __, response) => json(response, 403, { reason: 'Forbidden', message: 'no' }));
    await expect(kube.watch(PROMOTIONS).next()).rejects.toThrow('403 Forbidden');
  });

  test('follow lists again after a gap and goes on', async () => {
    let lists = 0;
    let watches = 0;
    const kube = await api((_, url, response) => {
      if (url.searchParams.get('watch') === null) {
        lists += 1;
        return json(response, 200, {
          metadata: { resourceVersion: String(lists * 100) },
          items: [promotion(`l${lists}`, '1')],
        });
      }
      watches += 1;
      if (watches === 1) return response.end(line('ERROR', { code: 410, reason: 'Expired', message: 'too old' }));
      response.writeHead(200);
      return response.write(line('MODIFIED', promotion(`rv${url.searchParams.get('resourceVersion')}`, '201')));
    });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const event of kube.follow(PROMOTIONS, { namespace: 'p', signal: stop.signal })) {
      if (event.type === 'LISTED') seen.push(`listed ${event.items[0]?.metadata.name}`);
      else if (event.type === 'MODIFIED') {
        seen.push(`changed ${event.object.metadata.name}`);
        stop.abort();
      }
    }
    expect(seen).toEqual(['listed l1', 'listed l2', 'changed rv200']);
  });
});
