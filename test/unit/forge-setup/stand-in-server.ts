import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request, read whole. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
  readonly form: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
}

/** A server in memory that a test plays. A request that nothing answers is remembered: the test fails for it. */
export abstract class StandInServer {
  readonly unknown: string[] = [];
  /** Requests that could have changed something. */
  readonly writes: string[] = [];
  url = '';
  private server: Server | undefined;

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      if (this.passThrough(request, response)) return;
      let body = '';
      request.on('data', (piece) => {
        body += piece;
      });
      request.on('end', () => void this.take(request, response, body));
    });
    this.server = server;
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((closed) => this.server?.close(closed));
  }

  /** Takes a request as a stream; true if it did. */
  protected passThrough(_request: IncomingMessage, _response: ServerResponse): boolean {
    return false;
  }

  /** Answers; false if it does not know the request. */
  protected abstract answer(call: Call): Promise<boolean> | boolean;

  private async take(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', this.url);
    const cookies = new Map(
      (request.headers.cookie ?? '').split('; ').map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
    );
    const call: Call = { method, url, request, response, body, form: new URLSearchParams(body), cookies };
    if (method !== 'GET') this.writes.push(`${method} ${url.pathname}`);
    try {
      if (await this.answer(call)) return;
      this.unknown.push(`${method} ${url.pathname}`);
      response.writeHead(599).end('unknown request');
    } catch (error) {
      this.unknown.push(`${method} ${url.pathname}: ${String(error)}`);
      if (!response.headersSent) response.writeHead(598).end(String(error));
    }
  }
}

export function sendJson(call: Call, status: number, value?: unknown): true {
  call.response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' });
  call.response.end(value === undefined ? '' : JSON.stringify(value));
  return true;
}

export function sendHtml(call: Call, html: string, headers: Record<string, string> = {}): true {
  call.response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(html);
  return true;
}

export function redirect(call: Call, location: string, headers: Record<string, string> = {}): true {
  call.response.writeHead(303, { location, ...headers }).end();
  return true;
}
