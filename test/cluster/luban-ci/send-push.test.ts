import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileText, renderedFiles } from '../../support/rendered.ts';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';

const script = fileText(renderedFiles('luban-ci'), 'platform/send-push.sh');
const commit = 'a'.repeat(40);

let shell: ShellFolder;
let got: Array<{ headers: IncomingHttpHeaders; body: string }>;
let status: number;
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => {
    body += piece;
  });
  request.on('end', () => {
    got.push({ headers: request.headers, body });
    response.writeHead(status).end('answer');
  });
});

beforeEach(async () => {
  got = [];
  status = 200;
  shell = shellFolder();
  writeFileSync(path.join(shell.path, 'secret'), 's3cret\n');
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
});
afterEach(async () => {
  shell.remove();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

function send(kind: string, repository: string, ref?: string) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/push`;
  const secret = path.join(shell.path, 'secret');
  return shell.sh(script, [kind, url, secret, repository, commit, ...(ref ? [ref] : [])], {}, 'bash');
}

test('a push of GitHub carries the signature that GitHub would send', async () => {
  expect((await send('github', 'https://github.com/metasync/ledger.git')).stderr).toBe('');
  const [call] = got;
  const signature = createHmac('sha256', 's3cret')
    .update(call?.body ?? '')
    .digest('hex');
  expect(call?.headers['x-hub-signature-256']).toBe(`sha256=${signature}`);
  expect(call?.headers['x-github-event']).toBe('push');
  expect(JSON.parse(call?.body ?? '')).toMatchObject({
    ref: 'refs/heads/main',
    after: commit,
    repository: { name: 'ledger', clone_url: 'https://github.com/metasync/ledger.git' },
  });
});

test('a push of Azure DevOps carries the secret as it is configured there', async () => {
  await send('azure', 'https://dev.azure.com/metasync/data/_git/sales', 'refs/tags/v1.0.0');
  expect(got[0]?.headers.authorization).toBe('Bearer s3cret');
  expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({
    eventType: 'git.push',
    resource: { refUpdates: [{ name: 'refs/tags/v1.0.0', newObjectId: commit }], repository: { name: 'sales' } },
  });
});

test('a refusal ends it with an error', async () => {
  status = 403;
  const result = await send('github', 'https://github.com/metasync/ledger');
  expect(result.code).not.toBe(0);
  expect(result.stderr).toContain('403');
});

test('an unknown kind of forge and missing arguments are refused with the usage', async () => {
  expect(await send('gitlab', 'https://example.com/a/b')).toMatchObject({ code: 2 });
  const nothing = await shell.sh(script, [], {}, 'bash');
  expect(nothing).toMatchObject({ code: 2 });
  expect(nothing.stderr).toContain('usage: send-push.sh');
  expect(got).toEqual([]);
});
