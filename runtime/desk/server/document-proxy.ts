import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request, type ServerResponse } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { insertScript } from './html-script.ts';
import type { Log } from './log.ts';
import type { RequestTarget } from './request-target.ts';

export interface DocumentProxyOptions {
  /** Address of kargo-api inside the cluster, http, without path. */
  readonly upstream: string;
  /** Address of the script that HTML documents get. */
  readonly scriptAddress: string;
  readonly log: Log;
  /** Largest request body, in bytes. @default 4 MiB, Kargo's own limit */
  readonly largestBody?: number;
  /** Largest document that is altered; a larger one passes as it is. In bytes. @default 2 MiB */
  readonly largestDocument?: number;
  /** Time until Kargo begins to answer, in milliseconds. @default 30000 */
  readonly timeout?: number;
}

/** Headers that belong to one connection only (RFC 9110, 7.6.1), and those whose forwarding would be a way around something. */
const connectionHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
]);
/** An encoded or unchanged document could not be altered. */
const documentHeaders = new Set(['accept-encoding', 'if-modified-since', 'if-none-match', 'range', 'if-range']);
/** They describe the document before the script was in it. */
const validators = new Set(['content-length', 'last-modified', 'etag', 'accept-ranges', 'content-md5', 'digest']);
const forwardedMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Stands between the Ingress and kargo-api for documents. Streams everything unchanged, except that an HTML document gets
 * one script. Adds no rights: what the user sends is what Kargo sees.
 */
export class DocumentProxy {
  private readonly options: DocumentProxyOptions;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 });
  private readonly upstream: URL;

  constructor(options: DocumentProxyOptions) {
    this.options = options;
    this.upstream = new URL(options.upstream);
  }

  close(): void {
    this.agent.destroy();
  }

  handle(incoming: IncomingMessage, outgoing: ServerResponse, target: RequestTarget): void {
    const method = incoming.method ?? '';
    if (!forwardedMethods.has(method)) {
      refuse(outgoing, 405, `method ${method} is not used here`);
      return;
    }
    const reading = method === 'GET' || method === 'HEAD';
    const hasBody =
      incoming.headers['transfer-encoding'] !== undefined || Number(incoming.headers['content-length'] ?? 0) > 0;
    if (reading && hasBody) {
      refuse(outgoing, 400, 'a request that only reads has no body');
      return;
    }
    const largestBody = this.options.largestBody ?? 4 * 2 ** 20;
    if (Number(incoming.headers['content-length'] ?? 0) > largestBody) {
      refuse(outgoing, 413, 'the request is too large');
      return;
    }

    const upstream = request({
      agent: this.agent,
      hostname: this.upstream.hostname,
      port: this.upstream.port || 80,
      method,
      path: `${target.path}${target.query}`,
      headers: forwardedHeaders(incoming, reading),
      timeout: this.options.timeout ?? 30_000,
    });
    upstream.on('timeout', () => upstream.destroy(new Error('time-out')));
    upstream.on('error', (error) => this.failed(outgoing, error));
    upstream.on('response', (answer) => {
      upstream.setTimeout(0);
      this.answer(method, answer, outgoing);
    });
    outgoing.on('close', () => upstream.destroy());
    incoming.on('error', () => upstream.destroy());
    if (!hasBody) {
      upstream.end();
      return;
    }
    const limit = new SizeLimit(largestBody);
    limit.on('error', () => {
      upstream.destroy();
      refuse(outgoing, 413, 'the request is too large');
    });
    incoming.pipe(limit).pipe(upstream);
  }

  private answer(method: string, answer: IncomingMessage, outgoing: ServerResponse): void {
    const type = answer.headers['content-type'] ?? '';
    const isDocument = /^text\/html\b/i.test(type) && answer.headers['content-encoding'] === undefined;
    const headers = answerHeaders(answer, isDocument);
    answer.on('error', () => outgoing.destroy());
    if (!isDocument || method === 'HEAD') {
      outgoing.writeHead(answer.statusCode ?? 502, headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      return;
    }
    this.alter(answer, outgoing, headers);
  }

  /** Collects the document, puts the script in and sends it; one that grows too large is streamed on as it is. */
  private alter(answer: IncomingMessage, outgoing: ServerResponse, headers: OutgoingHttpHeaders): void {
    const largest = this.options.largestDocument ?? 2 * 2 ** 20;
    const chunks: Buffer[] = [];
    let size = 0;
    const collect = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= largest) return;
      answer.off('data', collect);
      answer.off('end', finish);
      this.options.log.warn('a document is too large for the script: it passes without our controls', { size });
      outgoing.writeHead(answer.statusCode ?? 502, headers);
      for (const part of chunks) outgoing.write(part);
      answer.pipe(outgoing);
    };
    const finish = () => {
      const whole = Buffer.concat(chunks);
      // latin1 keeps every byte as it is, whatever the document's encoding; the inserted text is ASCII.
      const altered = insertScript(whole.toString('latin1'), this.options.scriptAddress);
      const body = altered === undefined ? whole : Buffer.from(altered, 'latin1');
      outgoing.writeHead(answer.statusCode ?? 502, { ...headers, 'Content-Length': body.length });
      outgoing.end(body);
    };
    answer.on('data', collect);
    answer.on('end', finish);
  }

  private failed(outgoing: ServerResponse, error: Error): void {
    const code = (error as { code?: unknown }).code;
    if (outgoing.destroyed || outgoing.headersSent) {
      outgoing.destroy();
      return;
    }
    this.options.log.warn('Kargo does not answer', { reason: typeof code === 'string' ? code : error.message });
    refuse(outgoing, 502, 'Kargo does not answer. Try again in a moment.');
  }
}

function forwardedHeaders(incoming: IncomingMessage, reading: boolean): OutgoingHttpHeaders {
  const dropped = droppedBy(incoming);
  const headers: Record<string, string[]> = {};
  for (const [name, value] of headerPairs(incoming)) {
    const key = name.toLowerCase();
    if (dropped.has(key) || (reading && (documentHeaders.has(key) || key === 'content-length'))) continue;
    headers[key] = [...(headers[key] ?? []), value];
  }
  // Node writes one line per value; a single value must not become a list (Host, Content-Length).
  const single = Object.fromEntries(
    Object.entries(headers).map(([key, values]) => [key, values.length === 1 ? values[0] : values]),
  );
  return reading ? { ...single, 'accept-encoding': 'identity' } : single;
}

function answerHeaders(answer: IncomingMessage, isDocument: boolean): OutgoingHttpHeaders {
  const dropped = droppedBy(answer);
  const headers: Record<string, string[]> = {};
  for (const [name, value] of headerPairs(answer)) {
    const key = name.toLowerCase();
    if (dropped.has(key) || (isDocument && validators.has(key))) continue;
    headers[name] = [...(headers[name] ?? []), value];
  }
  // A promotion dialog in somebody else's frame would be an invitation to clickjacking.
  if (isDocument && answer.headers['x-frame-options'] === undefined) headers['X-Frame-Options'] = ['SAMEORIGIN'];
  return headers;
}

function droppedBy(message: IncomingMessage): ReadonlySet<string> {
  const named = (message.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return new Set([...connectionHeaders, ...named]);
}

function* headerPairs(message: IncomingMessage): Generator<readonly [string, string]> {
  for (let index = 0; index + 1 < message.rawHeaders.length; index += 2) {
    yield [message.rawHeaders[index]!, message.rawHeaders[index + 1]!];
  }
}

/** Answers in plain text and ends the connection, so that nothing of a refused request is taken for the next one. */
export function refuse(outgoing: ServerResponse, status: number, reason: string): void {
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  const body = `${reason}\n`;
  outgoing.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  outgoing.end(body);
}

class SizeLimit extends Transform {
  private left: number;

  constructor(largest: number) {
    super();
    this.left = largest;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.left -= chunk.length;
    if (this.left < 0) callback(new Error('too large'));
    else callback(null, chunk);
  }
}
