import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formFields, HttpSession } from '../../../runtime/forge-setup/http.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-'));
const servers: Server[] = [];
let secure = '';
let plain = '';

beforeAll(async () => {
  const subject = ['-subj', '/CN=forge', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    join(folder, 'key.pem'),
  ];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', join(folder, 'ca.pem'), ...subject], { stdio: 'ignore' });
  const tls = { key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'ca.pem')) };
  const answer = (_: unknown, response: import('node:http').ServerResponse): void => {
    response.setHeader('set-cookie', ['a=1; Path=/; Secure', 'gone=; Max-Age=0']);
    response.end('ok');
  };
  for (const server of [createHttpsServer(tls, answer) as unknown as Server, createServer(answer)]) {
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    servers.push(server);
  }
  const [a, b] = servers.map((server) => (server.address() as AddressInfo).port);
  secure = `https://127.0.0.1:${a}`;
  plain = `127.0.0.1:${b}`;
});

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a server that cannot be used is named with the remedy', () => {
  test('a certificate of an unknown authority, and the right authority heals it', async () => {
    const attempt = new HttpSession(secure).send('POST', '/');
    await expect(attempt).rejects.toThrow(
      'its certificate is not signed by the given authority: give the right caFile',
    );
    expect((await new HttpSession(secure, { caFile: join(folder, 'ca.pem') }).send('POST', '/')).body).toBe('ok');
  });

  test('https where plain HTTP is spoken', async () => {
    await expect(new HttpSession(`https://${plain}`).send('POST', '/')).rejects.toThrow('it speaks plain HTTP there');
  });

  test('a name that does not exist', async () => {
    await expect(new HttpSession('http://forge.invalid').send('POST', '/')).rejects.toThrow('its name is unknown here');
  });
});

test('fields of a form come out as a browser would send them', () => {
  const html = `<input type="hidden" name="a" value="1 &amp; &#34;2&#34;"><input name='x'><input name="b">
    <input name="on" type="checkbox" checked><input name="off" type="checkbox">`;
  expect(formFields(html)).toEqual({ a: '1 & "2"', b: '', on: 'on' });
});
