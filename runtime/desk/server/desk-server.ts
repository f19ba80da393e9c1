import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { DeskSettings } from '../../../model/desk/settings.ts';
import { Access } from './access.ts';
import { deskApi } from './api.ts';
import { asset } from './assets.ts';
import { DocumentProxy, refuse } from './document-proxy.ts';
import type { Log } from './log.ts';
import { pageDocument } from './page-document.ts';
import { Promoter } from './promoter.ts';
import type { Recorder } from './recorder.ts';
import { isDeskPath, longestTarget, parseTarget } from './request-target.ts';
import { securityHeaders } from './security-headers.ts';

/** The bundled code and the style sheet that browsers get. */
export interface BrowserFiles {
  readonly page: string;
  readonly dashboard: string;
  readonly style: string;
}

export interface DeskServerOptions {
  readonly settings: DeskSettings;
  readonly files: BrowserFiles;
  readonly log: Log;
  /** @default - no recorder: the history is what Kargo still has */
  readonly recorder?: Recorder;
  /** @default the system's clock */
  readonly now?: () => Date;
}

/**
 * The promotion desk: its page and API below /desk, and for every other path a proxy to kargo-api that puts one script into
 * documents. Keeps nothing: any number of replicas can run.
 */
export function deskServer(options: DeskServerOptions): Server {
  const { settings, log, recorder, now = () => new Date() } = options;
  const scripts = {
    page: asset('page', 'js', options.files.page),
    dashboard: asset('dashboard', 'js', options.files.dashboard),
    style: asset('page', 'css', options.files.style),
  };
  const access = new Access({ project: settings.project, kargoUrl: settings.kargoUrl, now });
  const promoter = new Promoter({ settings, access, recorder, log });
  const proxy = new DocumentProxy({ upstream: settings.kargoUrl, scriptAddress: scripts.dashboard.address, log });
  const app = deskApp();
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer({ maxHeaderSize: 2 * longestTarget, requireHostHeader: true }, (incoming, outgoing) => {
    const started = now().getTime();
    outgoing.on('close', () => {
      // The query may hold what somebody searched for, and headers hold tokens: neither is logged.
      const path = (incoming.url ?? '').split('?', 1)[0]!.slice(0, 200);
      if (path === '/desk/healthz') return;
      log.info('request', {
        method: incoming.method,
        path,
        status: outgoing.statusCode,
        ms: now().getTime() - started,
      });
    });
    route(incoming, outgoing);
  });
  server.headersTimeout = 15_000;
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = 65_000;
  server.on('clientError', (error, socket) => {
    if (!socket.writable) return;
    const tooLarge = (error as { code?: unknown }).code === 'HPE_HEADER_OVERFLOW';
    socket.end(
      `HTTP/1.1 ${tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\nConnection: close\r\n\r\n`,
    );
  });
  server.on('close', () => proxy.close());
  return server;

  function route(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const target = parseTarget(incoming.url ?? '');
    if (!target) {
      refuse(outgoing, 400, 'the address is not understood');
      return;
    }
    if (repeats(incoming, 'host') || repeats(incoming, 'authorization')) {
      refuse(outgoing, 400, 'a header is there twice');
      return;
    }
    if (isDeskPath(target.path)) {
      void answer(incoming, outgoing);
      return;
    }
    proxy.handle(incoming, outgoing, target);
  }

  function deskApp(): Hono {
    const desk = new Hono();
    desk.use('*', async (context, next) => {
      await next();
      for (const [header, value] of Object.entries(securityHeaders)) context.header(header, value);
    });
    desk.get('/desk/healthz', (context) => context.text('ok'));
    for (const { address, type, content } of Object.values(scripts)) {
      desk.get(address, (context) =>
        context.body(content, 200, { 'Content-Type': type, 'Cache-Control': 'public, max-age=31536000, immutable' }),
      );
    }
    desk.get('/desk/assets/*', (context) => context.text('there is nothing here\n', 404));
    desk.route('/desk/api', deskApi({ settings, access, promoter, recorder, log, now }));
    desk.get('/desk', (context) => context.redirect('/desk/', 308));
    const document = pageDocument(scripts.page.address, scripts.style.address);
    for (const path of ['/desk/', '/desk/history', '/desk/audit']) {
      desk.get(path, (context) =>
        context.body(document, 200, {
          'Content-Type': 'text/html; charset=utf-8',
          'Cache-Control': 'no-cache, private',
        }),
      );
    }
    desk.notFound((context) => context.text('there is nothing here\n', 404));
    return desk;
  }
}

function repeats(incoming: IncomingMessage, header: string): boolean {
  return incoming.rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === header).length > 1;
}
