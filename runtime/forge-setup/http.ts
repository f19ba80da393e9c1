import { readFileSync } from 'node:fs';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

export interface Reply {
  status: number;
  /** Where a redirect leads; '' if it is none. */
  location: string;
  body: string;
}

export interface Request {
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a form, as a browser does. */
  form?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
}

/** No answer at all: nothing runs there, the name is unknown, the certificate is not trusted. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/**
 * A plain HTTP client for one server: no redirects followed, cookies kept like a browser (`cookies: true`), and errors that say
 * what to do. It sends no `Origin`: newer Gitea takes that for a foreign web page.
 */
export class HttpSession {
  readonly #base: string;
  readonly #ca: string | undefined;
  readonly #cookies: Map<string, string> | undefined;

  constructor(base: string, options: { caFile?: string | undefined; cookies?: boolean } = {}) {
    this.#base = base.replace(/\/+$/, '');
    this.#ca = options.caFile === undefined ? undefined : readFileSync(options.caFile, 'utf8');
    this.#cookies = options.cookies === true ? new Map() : undefined;
  }

  /** Sends one request; reading is repeated a few times when the server does not answer. */
  async send(method: string, path: string, request: Request = {}): Promise<Reply> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await this.#once(method, path, request);
        if (method !== 'GET' || attempt >= 4 || ![502, 503, 504].includes(reply.status)) return reply;
      } catch (error) {
        if (method !== 'GET' || attempt >= 4 || !(error instanceof UnreachableError)) throw error;
      }
      await delay(250 * 2 ** attempt);
    }
  }

  #once(method: string, path: string, request: Request): Promise<Reply> {
    const url = new URL(this.#base + path);
    const headers: OutgoingHttpHeaders = { accept: 'application/json, text/html', ...request.headers };
    let body: string | undefined;
    if (request.json !== undefined) {
      body = JSON.stringify(request.json);
      headers['content-type'] = 'application/json';
    } else if (request.form !== undefined) {
      body = new URLSearchParams(request.form).toString();
      headers['content-type'] = 'application/x-www-form-urlencoded';
    }
    if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
    if (this.#cookies !== undefined && this.#cookies.size > 0) {
      headers.cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    }
    return new Promise((fulfil, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => reject(unreachable(url, error));
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const sent = send(url, { method, headers, ...(this.#ca === undefined ? {} : { ca: this.#ca }) }, (answer) => {
        for (const cookie of answer.headers['set-cookie'] ?? []) this.#keep(cookie);
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece: string) => {
          text += piece;
        });
        answer.on('error', fail);
        answer.on('end', () =>
          fulfil({ status: answer.statusCode ?? 0, location: answer.headers.location ?? '', body: text }),
        );
      });
      sent.setTimeout(30_000, () =>
        sent.destroy(Object.assign(new Error('no answer within 30 s'), { code: 'ETIMEDOUT' })),
      );
      sent.on('error', fail);
      sent.end(body);
    });
  }

  #keep(cookie: string): void {
    const [pair = ''] = cookie.split(';');
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    const value = pair.slice(at + 1).trim();
    if (at < 1) return;
    if (value === '' || /max-age=0(;|$)/i.test(cookie)) this.#cookies?.delete(name);
    else this.#cookies?.set(name, value);
  }
}

const CERTIFICATE = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

function unreachable(url: URL, error: NodeJS.ErrnoException): UnreachableError {
  const code = error.code ?? '';
  const where = `${url.protocol}//${url.host}`;
  let words = `${error.message || code}`;
  if (error instanceof AggregateError) words = error.errors.map((inner: Error) => inner.message).join('; ');
  let remedy = 'check the address and that the server runs';
  if (CERTIFICATE.has(code)) remedy = 'its certificate is not signed by the given authority: give the right caFile';
  else if (code === 'CERT_HAS_EXPIRED') remedy = 'its certificate has expired: renew it';
  else if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') remedy = 'its certificate is for another name';
  else if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') remedy = 'its name is unknown here: check DNS';
  else if (code === 'ECONNREFUSED') remedy = 'nothing listens there: check the port and that the server runs';
  else if (/wrong version number|EPROTO/.test(`${code} ${words}`))
    remedy = 'it speaks plain HTTP there: check http or https';
  return new UnreachableError(`${where} is not reachable (${words}): ${remedy}`, { cause: error });
}

/** Waits until `check` gives a value; throws with its last words after `seconds`. */
export async function eventually<T>(what: string, seconds: number, check: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last = '';
  for (let pause = 50; ; pause = Math.min(1000, pause * 2)) {
    try {
      const value = await check();
      if (value !== undefined) return value;
      last = '';
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      last = `: ${error.message}`;
    }
    if (Date.now() >= end) throw new Error(`${what}: not within ${seconds} s${last}`);
    await delay(pause);
  }
}

/** Values of the inputs of an HTML form; unticked boxes are left out, as a browser does. */
export function formFields(html: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [tag] of html.matchAll(/<input\b[^>]*>/g)) {
    const attribute = (name: string): string | undefined => {
      const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag);
      return found?.[1] === undefined ? undefined : unescapeHtml(found[1]);
    };
    const name = attribute('name');
    if (name === undefined) continue;
    if (attribute('type') === 'checkbox') {
      if (/\bchecked\b/.test(tag)) fields[name] = 'on';
    } else fields[name] = attribute('value') ?? '';
  }
  return fields;
}

export function unescapeHtml(text: string): string {
  const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return names[String(name).toLowerCase()] ?? whole;
  });
}
