import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
};

/**
 * kargo-api with its dashboard in it, as the official image has both: files from the built dashboard, every unknown path its
 * index.html with the placeholders filled in, the API from the real Kargo.
 */
export async function startFront(folder: string, api: string): Promise<{ url: string; stop(): Promise<void> }> {
  const index = readFileSync(path.join(folder, 'index.html'), 'utf8')
    .replaceAll('__BASE_HREF__', '/')
    .replaceAll('__BASE_PATH__', '');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://front');
    if (pathname.startsWith('/v1beta1/')) {
      const upstream = httpRequest(
        `${api}${request.url}`,
        { method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          response.flushHeaders();
          answer.pipe(response);
        },
      );
      upstream.on('error', () => response.destroy());
      response.on('close', () => upstream.destroy());
      request.pipe(upstream);
      return;
    }
    const file = path.join(folder, path.normalize(pathname));
    if (pathname !== '/' && existsSync(file) && statSync(file).isFile()) {
      response.writeHead(200, {
        'Content-Type': types[path.extname(file)] ?? 'application/octet-stream',
        'Cache-Control': 'public, max-age=2592000',
      });
      createReadStream(file).pipe(response);
      return;
    }
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-cache, private, max-age=0',
    });
    response.end(index);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
