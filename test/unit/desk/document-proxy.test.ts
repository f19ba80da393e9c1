import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deskServer } from '../../../runtime/desk/server/desk-server.ts';
import { insertScript } from '../../../runtime/desk/server/html-script.ts';
import { project } from '../../support/desk/world.ts';

let upstream: Server;
let desk: Server;
let url: string;
let port: number;
let seen: { method: string; url: string; headers: IncomingMessage['headers']; raw: string[]; body: string }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  seen = [];
  answer = (_, response) => response.end('ok');
  upstream = createServer(async (request, response) => {
    let body = '';
    try {
      for await (const chunk of request) body += chunk;
    } catch {
      // The desk broke a request off: it was never whole.
      return;
    }
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, raw: request.rawHeaders, body });
    answer(request, response);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  desk = deskServer({
    settings: {
      project,
      stages: [{ name: 'live', enabled: true, kind: 'deploy', promotion: 'manual' }],
      kargoUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      usernameClaim: 'email',
    },
    files: { page: 'page', dashboard: 'dashboard', style: 'style' },
    log: { info() {}, warn() {} },
  });
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  port = (desk.address() as AddressInfo).port;
  url = `http://127.0.0.1:${port}`;
});

afterEach(async () => {
  for (const server of [desk, upstream]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const html =
  '<!doctype html>\n<html><head lang="x">\n<script type="module" src="/assets/app.js"></script></head><body>é</body></html>';

function document(headers: Record<string, string> = {}) {
  answer = (_, response) => {
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Last-Modified': 'Fri, 27 Nov 2026 08:00:00 GMT',
      ...headers,
    });
    response.end(html);
  };
}

/** Bytes as they are, and everything that comes back until the server ends the connection. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let received = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (data) => {
      received += data;
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

test('a document gets one script right behind its head, and every other byte stays', async () => {
  document();
  const response = await fetch(`${url}/project/stonks-pipeline`);
  const text = await response.text();
  const script = /<script src="(\/desk\/assets\/dashboard-[0-9a-f]{16}\.js)"><\/script>/.exec(text)!;
  expect(text).toBe(html.replace('<head lang="x">', `<head lang="x">${script[0]}`));
  expect(response.headers.get('last-modified')).toBeNull();
  expect(response.headers.get('x-frame-options')).toBe('SAMEORIGIN');
  expect(await (await fetch(`${url}${script[1]}`)).text()).toBe('dashboard');
});

test('Kargo is never asked for an encoded, partial or unchanged document', async () => {
  document();
  await fetch(`${url}/`, {
    headers: {
      'Accept-Encoding': 'gzip, br',
      'If-Modified-Since': 'Fri, 27 Nov 2026 08:00:00 GMT',
      'If-None-Match': '"x"',
      Range: 'bytes=0-5',
    },
  });
  expect(seen[0]!.headers['accept-encoding']).toBe('identity');
  for (const header of ['if-modified-since', 'if-none-match', 'range'])
    expect(seen[0]!.headers).not.toHaveProperty(header);
});

test('a document that comes encoded all the same passes as it is', async () => {
  document({ 'Content-Encoding': 'x-unknown' });
  const text = await raw(`GET / HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n`);
  expect(text).not.toContain('/desk/assets/');
});

test('what is no document passes byte for byte, whatever is in it', async () => {
  const bytes = Buffer.from([0, 255, 60, 104, 101, 97, 100, 62, 10]);
  answer = (_, response) => {
    response.writeHead(200, { 'Content-Type': 'image/png', ETag: '"a"' });
    response.end(bytes);
  };
  const response = await fetch(`${url}/kargo-logo.png`);
  expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
  expect(response.headers.get('etag')).toBe('"a"');
});

test('what Kargo streams arrives while it is still open', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: first\n\n');
  };
  const response = await fetch(`${url}/v1beta1/projects/p/stages?watch=true`);
  const { value } = await response.body!.getReader().read();
  expect(new TextDecoder().decode(value)).toBe('data: first\n\n');
});

test('a document too large to hold passes as it is', async () => {
  const large = `${html}${'x'.repeat(3 * 2 ** 20)}`;
  answer = (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(large);
  };
  expect(await (await fetch(`${url}/`)).text()).toBe(large);
});

test('a HEAD of a document promises no length that the document will not have', async () => {
  document({ 'Content-Length': String(Buffer.byteLength(html)) });
  const response = await fetch(`${url}/`, { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-length')).toBeNull();
});

test('headers of one connection are not passed on, in neither direction', async () => {
  answer = (_, response) => {
    response.writeHead(200, { Connection: 'close, X-Hop', 'X-Hop': '1', 'X-Kept': '1' });
    response.end('ok');
  };
  const text = await raw(
    'GET /x HTTP/1.1\r\nHost: desk\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nProxy-Authorization: a\r\nUpgrade: h2c\r\nTE: trailers\r\nX-Kept: 2\r\n\r\n',
  );
  expect(text).toContain('X-Kept: 1');
  expect(text).not.toContain('X-Hop');
  const { headers } = seen[0]!;
  expect(headers).toMatchObject({ 'x-kept': '2', host: 'desk' });
  for (const header of ['x-secret', 'proxy-authorization', 'upgrade', 'te']) expect(headers).not.toHaveProperty(header);
});

test.each([
  [
    'length and chunks',
    'POST /v1beta1/resources HTTP/1.1\r\nHost: desk\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
  ],
  ['two lengths', 'POST /x HTTP/1.1\r\nHost: desk\r\nContent-Length: 6\r\nContent-Length: 5\r\n\r\nabcdef'],
  ['a length that is none', 'POST /x HTTP/1.1\r\nHost: desk\r\nContent-Length: +5\r\n\r\nabcde'],
  ['chunked in disguise', 'POST /x HTTP/1.1\r\nHost: desk\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  ['a space before the colon', 'POST /x HTTP/1.1\r\nHost: desk\r\nContent-Length : 5\r\n\r\nabcde'],
  [
    'a folded header',
    'GET /x HTTP/1.1\r\nHost: desk\r\nX-A: 1\r\n Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
  ],
  ['a header with a bare line feed in it', 'GET /x HTTP/1.1\r\nHost: desk\r\nX-A: 1\rX: 2\r\n\r\n'],
  ['two hosts', 'GET /x HTTP/1.1\r\nHost: desk\r\nHost: other\r\n\r\n'],
  ['no host', 'GET /x HTTP/1.1\r\n\r\n'],
  ['two tokens', 'GET /x HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n'],
  ['another host as the target', 'GET http://other.example.org/ HTTP/1.1\r\nHost: desk\r\n\r\n'],
  ['a body on a request that reads', 'GET /x HTTP/1.1\r\nHost: desk\r\nContent-Length: 5\r\n\r\nabcde'],
  ['an unknown method', 'TRACE /x HTTP/1.1\r\nHost: desk\r\n\r\n'],
])('smuggling refused: %s', async (name, text) => {
  const answerText = await raw(text);
  expect(answerText).toMatch(/^HTTP\/1\.1 4\d\d |^$/);
  expect(seen, `${name} reached Kargo`).toEqual([]);
});

test('a request behind a refused one on the same connection is not answered', async () => {
  const text = await raw(
    'POST /x HTTP/1.1\r\nHost: desk\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: desk\r\n\r\n',
  );
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(seen).toEqual([]);
});

test('a chunked body is framed anew, and its trailers are dropped', async () => {
  await raw(
    'POST /v1beta1/resources HTTP/1.1\r\nHost: desk\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nAuthorization: Bearer evil\r\n\r\n',
  );
  expect(seen).toHaveLength(1);
  expect(seen[0]!.body).toBe('hello');
  expect(seen[0]!.headers.authorization).toBeUndefined();
});

test('a body larger than Kargo takes is refused, with and without a length', async () => {
  const large = 'x'.repeat(4 * 2 ** 20 + 1);
  const declared = await fetch(`${url}/v1beta1/resources`, { method: 'POST', body: large }).catch(() => undefined);
  if (declared) expect(declared.status).toBe(413);
  const stream = new ReadableStream({
    start(controller) {
      for (let part = 0; part < 5; part += 1) controller.enqueue(new TextEncoder().encode('x'.repeat(2 ** 20)));
      controller.close();
    },
  });
  // @ts-expect-error: the types of Node 20 do not know that a stream needs it
  const streamed = await fetch(`${url}/v1beta1/resources`, { method: 'POST', body: stream, duplex: 'half' }).catch(
    () => undefined,
  );
  if (streamed) expect(streamed.status).toBe(413);
  expect(seen).toEqual([]);
});

test('headers larger than 16 KiB are refused', async () => {
  const text = await raw(`GET / HTTP/1.1\r\nHost: desk\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`);
  expect(text).toMatch(/^HTTP\/1\.1 431 /);
});

test('Kargo away: 502 in words, and the desk itself goes on', async () => {
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  const response = await fetch(`${url}/project/x`);
  expect(response.status).toBe(502);
  expect(await response.text()).toContain('Kargo does not answer');
  expect((await fetch(`${url}/desk/healthz`)).status).toBe(200);
});

test('a script is put behind the head whatever it is written like, and never elsewhere', () => {
  expect(insertScript('<HTML><HEAD></HEAD>', '/a.js')).toBe('<HTML><HEAD><script src="/a.js"></script></HEAD>');
  expect(insertScript('<html><header></header></html>', '/a.js')).toBeUndefined();
  expect(insertScript('', '/a.js')).toBeUndefined();
});
