import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headOf } from '../../../model/audit/chain.ts';
import { AnchorBranch, parseAnchors } from '../../../runtime/recorder/anchors.ts';
import { ForgeBranch } from '../../../runtime/recorder/forge-branch.ts';
import { sampleChain } from '../audit/sample.ts';

/** Gitea's contents API for branch `audit` of pipelines, with its status codes. Anything else is noted as unknown. */
class FakeForge {
  readonly files = new Map<string, string>();
  readonly commits: string[] = [];
  readonly unknown: string[] = [];
  readonly server: Server = createServer((request, response) => void this.answer(request, response));
  branchExists = true;

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://forge');
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const prefix = '/api/v1/repos/stonks/pipelines/contents/';
    let text = '';
    for await (const chunk of request) text += String(chunk);
    if (request.headers.authorization !== `Basic ${Buffer.from('audit:secret-word').toString('base64')}`)
      return void send(401, { message: 'user does not exist' });
    if (!url.pathname.startsWith(prefix)) {
      this.unknown.push(`${request.method} ${request.url}`);
      return void send(404, { message: 'not found' });
    }
    const file = decodeURIComponent(url.pathname.slice(prefix.length));
    const branch =
      request.method === 'GET' ? url.searchParams.get('ref') : (JSON.parse(text) as { branch: string }).branch;
    if (!this.branchExists || branch !== 'audit')
      return void send(404, { message: `branch does not exist [name: ${branch}]` });
    const present = this.files.get(file);
    if (request.method === 'GET') {
      if (present !== undefined)
        return void send(200, {
          path: file,
          type: 'file',
          sha: shaOf(present),
          content: Buffer.from(present).toString('base64'),
        });
      const inside = [...this.files.keys()].filter((name) => name.startsWith(`${file}/`));
      if (inside.length === 0) return void send(404, { message: `object does not exist [rel_path: ${file}]` });
      return void send(200, [
        ...inside.map((name) => ({ path: name, type: 'file' })),
        { path: `${file}/more`, type: 'dir' },
      ]);
    }
    const body = JSON.parse(text) as { content: string; message: string; sha?: string };
    if (request.method === 'POST' && present !== undefined)
      return void send(422, { message: `repository file already exists [path: ${file}]` });
    if (request.method === 'PUT' && (present === undefined || body.sha !== shaOf(present)))
      return void send(422, { message: `sha does not match [given: ${body.sha}]` });
    this.files.set(file, Buffer.from(body.content, 'base64').toString());
    this.commits.push(body.message);
    send(request.method === 'POST' ? 201 : 200, { commit: {} });
  }
}
const shaOf = (text: string) => createHash('sha1').update(text).digest('hex');

let forge: FakeForge;
let password: string;
beforeEach(async () => {
  forge = new FakeForge();
  password = 'secret-word';
  await new Promise<void>((resolve) => forge.server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  expect(forge.unknown).toEqual([]);
  forge.server.closeAllConnections();
  await new Promise((resolve) => forge.server.close(resolve));
});

const branch = () =>
  new AnchorBranch(
    new ForgeBranch({
      url: forge.url,
      owner: 'stonks',
      repository: 'pipelines',
      branch: 'audit',
      credentials: async () => ({ user: 'audit', password }),
    }),
  );
const heads = sampleChain(5).records.map(headOf);

describe('anchors outside the volume', () => {
  it('are appended to one file a month, one commit each, and read back in order', async () => {
    expect(await branch().read()).toEqual([]);
    await branch().add(heads[0]!, new Date('2026-11-30T23:50:00Z'));
    await branch().add(heads[1]!, new Date('2026-11-30T23:59:00Z'));
    await branch().add(heads[2]!, new Date('2026-12-01T00:05:00Z'));
    expect([...forge.files.keys()]).toEqual(['heads/2026-11.jsonl', 'heads/2026-12.jsonl']);
    expect(forge.commits).toEqual(['Audit log: record 1', 'Audit log: record 2', 'Audit log: record 3']);
    expect(await branch().read()).toEqual([
      { ...heads[0], at: '2026-11-30T23:50:00.000Z' },
      { ...heads[1], at: '2026-11-30T23:59:00.000Z' },
      { ...heads[2], at: '2026-12-01T00:05:00.000Z' },
    ]);
  });

  it('are written once although the answer to the first attempt was lost', async () => {
    const now = new Date('2026-11-30T12:00:00Z');
    await branch().add(heads[0]!, now);
    await branch().add(heads[0]!, new Date('2026-11-30T12:01:00Z'));
    expect(forge.commits).toHaveLength(1);
  });

  it('never overwrite what another wrote meanwhile', async () => {
    await branch().add(heads[0]!, new Date('2026-11-30T12:00:00Z'));
    const file = 'heads/2026-11.jsonl';
    const real = new ForgeBranch({
      url: forge.url,
      owner: 'stonks',
      repository: 'pipelines',
      branch: 'audit',
      credentials: async () => ({ user: 'audit', password }),
    });
    const slow = new AnchorBranch({
      list: (folder) => real.list(folder),
      async read(name) {
        const present = await real.read(name);
        await branch().add(heads[1]!, new Date('2026-11-30T12:05:00Z'));
        return present;
      },
      write: (...args) => real.write(...args),
    });
    await expect(slow.add(heads[2]!, new Date('2026-11-30T12:06:00Z'))).rejects.toThrow(/422 sha does not match/);
    expect(parseAnchors(forge.files.get(file)!, file).map((anchor) => anchor.seq)).toEqual([1, 2]);
  });

  it('fail in words, without the password', async () => {
    password = 'wrong-secret';
    await expect(branch().add(heads[0]!, new Date())).rejects.toThrow('the forge refused GET stonks/pipelines/heads/');
    await branch()
      .add(heads[0]!, new Date())
      .catch((error: Error) => expect(error.message).not.toContain('wrong-secret'));
    password = 'secret-word';
    forge.branchExists = false;
    await expect(branch().add(heads[0]!, new Date())).rejects.toThrow(/404 branch does not exist/);
    forge.server.closeAllConnections();
    const { url } = forge;
    await new Promise((resolve) => forge.server.close(resolve));
    await expect(
      new ForgeBranch({
        url,
        owner: 'o',
        repository: 'r',
        branch: 'audit',
        credentials: async () => ({ user: 'u', password: 'hidden-word' }),
      }).list('heads'),
    ).rejects.toThrow(/does not answer \((ECONNREFUSED|UND_ERR_SOCKET)\)/);
    await new Promise<void>((resolve) => forge.server.listen(0, '127.0.0.1', resolve));
  });

  it('are refused when damaged: a bad anchor is not a missing one', () => {
    expect(() => parseAnchors('{"seq":1,"hash":"a","at":"b"}\n{"seq":"2"}\n', 'heads/2026-11.jsonl')).toThrow(
      'heads/2026-11.jsonl:2: not an anchor',
    );
    expect(() => parseAnchors('<html>', 'f')).toThrow('f:1');
  });
});
