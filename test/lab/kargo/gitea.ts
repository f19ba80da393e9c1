import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts, output, stop, until } from '../../support/processes.ts';
import { labProgram } from '../lab.ts';

const owner = 'apps';

/** A Gitea on loopback with the users `apps` (owner), `ci` and `eve`, and the repositories `shop` and `pipelines`. */
export interface Gitea {
  readonly url: string;
  /** A token of a user. */
  token(user: string): string;
  /** One request of the API as a user; throws for a status of 400 and above. */
  api<Answer>(user: string, method: string, path: string, body?: unknown): Promise<Answer>;
  /** Answers nothing until `resume`. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export async function startGitea(): Promise<Gitea> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gitea-'));
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  mkdirSync(path.join(folder, 'custom/conf'), { recursive: true });
  const config = path.join(folder, 'custom/conf/app.ini');
  writeFileSync(config, settings(folder, url, port));
  const program = labProgram('gitea');
  const env = { ...process.env, GITEA_WORK_DIR: folder, HOME: folder, USER: process.env.USER ?? 'root' };
  const gitea = (...args: readonly string[]) => output(program, ['--config', config, ...args], { env });

  await gitea('migrate');
  const tokens: Record<string, string> = {};
  for (const user of [owner, 'ci', 'eve']) {
    const mail = `${user}@example.org`;
    const flags = ['--username', user, '--password', `pw-${user}-0123456789`, '--email', mail];
    await gitea(
      'admin',
      'user',
      'create',
      ...flags,
      '--must-change-password=false',
      ...(user === owner ? ['--admin'] : []),
    );
    const token = await gitea('admin', 'user', 'generate-access-token', '--username', user, '--scopes', 'all', '--raw');
    // A warning may stand before the token.
    tokens[user] = token.trim().split('\n').at(-1) ?? '';
  }
  const log = openSync(path.join(folder, 'gitea.log'), 'a');
  const server: ChildProcess = spawn(program, ['--config', config, 'web'], { env, stdio: ['ignore', log, log] });
  process.once('exit', () => server.kill('SIGKILL'));
  const token = (user: string) => tokens[user] ?? '';
  const api: Gitea['api'] = async (user, method, target, body) => {
    const answer = await fetch(`${url}/api/v1${target}`, {
      method,
      headers: { authorization: `token ${token(user)}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${text}`);
    return JSON.parse(text === '' ? 'null' : text);
  };
  await until('Gitea to answer', async () => {
    const answer = await fetch(`${url}/api/healthz`).catch(() => undefined);
    return (await answer?.text()) !== undefined && answer?.ok ? true : undefined;
  });
  for (const name of ['shop', 'pipelines']) {
    await api(owner, 'POST', '/user/repos', { name, auto_init: true, default_branch: 'main' });
    for (const user of ['ci', 'eve']) {
      await api(owner, 'PUT', `/repos/${owner}/${name}/collaborators/${user}`, { permission: 'write' });
    }
  }
  return {
    url,
    token,
    api,
    pause: () => server.kill('SIGSTOP'),
    resume: () => server.kill('SIGCONT'),
    async stop() {
      server.kill('SIGCONT');
      await stop(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function settings(folder: string, url: string, port: number): string {
  return `APP_NAME = test
RUN_USER = ${process.env.USER ?? 'root'}
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = ${url}/
DISABLE_SSH = true
${staticFiles()}
[database]
DB_TYPE = sqlite3
PATH = ${path.join(folder, 'gitea.db')}
[security]
INSTALL_LOCK = true
SECRET_KEY = test
INTERNAL_TOKEN =
[log]
LEVEL = Warn
`;
}

/** A Gitea that was built without its files inside finds them in the folder `gitea.files` beside it. */
function staticFiles(): string {
  const folder = `${labProgram('gitea')}.files`;
  return existsSync(folder) ? `STATIC_ROOT_PATH = ${folder}` : '';
}
