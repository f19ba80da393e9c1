import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { git } from '../../runtime/state/git.ts';

/** Answers requests of git over HTTP from a folder of bare repositories, by git's own program. */
export function serveGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '', 'http://git');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'http.receivepack',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_CONFIG_KEY_1: 'safe.directory',
      GIT_CONFIG_VALUE_1: '*',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      HTTP_GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
      REMOTE_USER: 'test',
    },
  });
  request.pipe(child.stdin);
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.on('close', () => {
    const whole = Buffer.concat(pieces);
    const end = whole.indexOf('\r\n\r\n');
    const headers = whole
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': '));
    const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.end(whole.subarray(end + 4));
  });
}

/** A Git server on loopback that wants a user and a password. */
export class GitServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'git-server-'));
  readonly username = 'kargo';
  readonly password = 'p4ss:word';
  url = '';
  private readonly server = createServer((request, response) => {
    const wanted = `Basic ${Buffer.from(`${this.username}:${this.password}`).toString('base64')}`;
    if (request.headers.authorization !== wanted) response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    else serveGit(this.folder, request, response);
  });

  static async start(): Promise<GitServer> {
    const server = new GitServer();
    await new Promise<void>((ready) => server.server.listen(0, '127.0.0.1', ready));
    server.url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
    return server;
  }

  /** An empty bare repository; gives its address. */
  async create(name: string): Promise<string> {
    await git(['init', '--bare', '--quiet', '--initial-branch=main', join(this.folder, `${name}.git`)]);
    return `${this.url}/${name}.git`;
  }

  /** Adds a commit with one file to a branch, as if somebody had pushed. Gives its id. */
  async commit(name: string, branch: string, file: string, content: string): Promise<string> {
    return commitTo(join(this.folder, `${name}.git`), branch, file, content);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Adds a commit to a branch of a bare repository without a work tree. */
export async function commitTo(repository: string, branch: string, file: string, content: string): Promise<string> {
  const run = async (args: string[], input?: string): Promise<string> =>
    (
      await git(['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
        cwd: repository,
        ...(input === undefined ? {} : { input }),
      })
    ).trim();
  const blob = await run(['hash-object', '-w', '--stdin'], content);
  const tree = await run(['mktree'], `100644 blob ${blob}\t${file}\n`);
  const parent = await run(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]).catch(() => '');
  const commit = await run(['commit-tree', tree, '-m', `${branch}: ${file}`, ...(parent === '' ? [] : ['-p', parent])]);
  await run(['update-ref', `refs/heads/${branch}`, commit]);
  return commit;
}
