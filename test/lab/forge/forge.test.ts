import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ForgeSetupSettings } from '../../../model/forge-setup/settings.ts';
import { Report } from '../../../runtime/forge-setup/report.ts';
import { setUpForge, setUpWoodpecker } from '../../../runtime/forge-setup/setup.ts';
import { git } from '../../../runtime/state/git.ts';
import { commitTo } from '../../support/git-server.ts';
import { KubernetesStandIn } from '../../support/kubernetes-stand-in.ts';
import { freePorts, stop, until } from '../../support/processes.ts';
import { labProgram } from '../lab.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'forge-lab-'));
const password = 'S3cret-pass+word/1';
const pipelineFile = `when:
  - event: push
    branch: main
steps:
  - name: one
    image: bash
    commands: ["true"]
`;
let cluster: KubernetesStandIn;
let gitea: ChildProcess;
let woodpecker: ChildProcess | undefined;
let ports: { gitea: number; http: number; grpc: number };
let settings: ForgeSetupSettings;

beforeAll(async () => {
  cluster = await KubernetesStandIn.start();
  const [a, b, c] = (await freePorts(3)) as [number, number, number];
  ports = { gitea: a, http: b, grpc: c };
  writeFileSync(path.join(folder, 'username'), 'forge-admin');
  writeFileSync(path.join(folder, 'password'), password);
  const source = path.join(folder, 'source.git');
  await git(['init', '--bare', '--quiet', '--initial-branch=trunk', source]);
  await commitTo(source, 'main', '.woodpecker.yml', pipelineFile);
  await commitTo(source, 'feature/x', 'a', 'b');
  await git(['tag', 'v1', 'main'], { cwd: source });
  mkdirSync(path.join(folder, 'gitea/custom/conf'), { recursive: true });
  // No INSTALL_LOCK: it shows its form for the first set-up.
  writeFileSync(path.join(folder, 'gitea/custom/conf/app.ini'), giteaConfig());
  gitea = startGitea();
  settings = settingsOf(source);
});

afterAll(async () => {
  await Promise.all([gitea, woodpecker].map((child) => (child ? stop(child) : undefined)));
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function giteaConfig(): string {
  const files = `${labProgram('gitea')}.files`;
  return `RUN_USER = ${process.env.USER ?? 'root'}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${ports.gitea}
DISABLE_SSH = true
${existsSync(files) ? `STATIC_ROOT_PATH = ${files}` : ''}
[webhook]
ALLOWED_HOST_LIST = loopback
`;
}

function startGitea(): ChildProcess {
  const home = path.join(folder, 'gitea');
  const env = { ...process.env, GITEA_WORK_DIR: home, HOME: home, USER: process.env.USER ?? 'root' };
  const log = openSync(path.join(folder, 'gitea.log'), 'a');
  return spawn(labProgram('gitea'), ['web', '--config', path.join(home, 'custom/conf/app.ini')], {
    env,
    stdio: ['ignore', log, log],
  });
}

/** Starts the server with what the Secret holds, as its pod does. */
async function startWoodpecker(): Promise<void> {
  if (woodpecker) await stop(woodpecker);
  const { id = '', value = '' } = {
    id: secret('woodpecker', 'woodpecker-oauth')['client-id'],
    value: secret('woodpecker', 'woodpecker-oauth')['client-secret'],
  };
  const log = openSync(path.join(folder, 'woodpecker.log'), 'a');
  woodpecker = spawn(labProgram('woodpecker-server'), [], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      WOODPECKER_HOST: `http://127.0.0.1:${ports.http}`,
      WOODPECKER_SERVER_ADDR: `127.0.0.1:${ports.http}`,
      WOODPECKER_GRPC_ADDR: `127.0.0.1:${ports.grpc}`,
      WOODPECKER_GITEA: 'true',
      WOODPECKER_GITEA_URL: settings.url,
      WOODPECKER_GITEA_CLIENT: id,
      WOODPECKER_GITEA_SECRET: value,
      WOODPECKER_ADMIN: 'forge-admin',
      WOODPECKER_OPEN: 'false',
      WOODPECKER_AGENT_SECRET: 'lab-agent',
      WOODPECKER_GRPC_SECRET: 'lab-grpc',
      WOODPECKER_DATABASE_DATASOURCE: path.join(folder, 'woodpecker.sqlite'),
    },
  });
  await until('Woodpecker answers', async () => {
    const answer = await fetch(`http://127.0.0.1:${ports.http}/healthz`).catch(() => undefined);
    return answer?.status === 204 ? true : undefined;
  });
}

function settingsOf(source: string): ForgeSetupSettings {
  const url = `http://127.0.0.1:${ports.gitea}`;
  const ci = `http://127.0.0.1:${ports.http}`;
  return {
    format: 'forge-setup-settings/1',
    system: 'lab',
    url,
    admin: {
      usernameFile: path.join(folder, 'username'),
      passwordFile: path.join(folder, 'password'),
      email: 'admin@example.org',
    },
    owner: 'stonks',
    users: ['kargo', 'ci'].map((name) => ({ name, email: `${name}@example.org`, fullName: name })),
    packageWriters: ['ci'],
    repositories: [
      {
        name: 'app',
        defaultBranch: 'main',
        importFrom: source,
        collaborators: [{ user: 'ci', permission: 'write' }],
        protections: [],
      },
      {
        name: 'pipelines',
        defaultBranch: 'main',
        collaborators: [
          { user: 'kargo', permission: 'write' },
          { user: 'ci', permission: 'write' },
        ],
        protections: [{ pattern: 'stage/*', pushers: ['kargo'] }],
      },
    ],
    applications: [
      {
        name: 'woodpecker',
        redirectUris: [`${ci}/authorize`],
        secret: { namespace: 'woodpecker', name: 'woodpecker-oauth', idKey: 'client-id', secretKey: 'client-secret' },
      },
    ],
    secrets: ['kargo', 'ci'].map((user) => ({
      namespace: 'x',
      name: user,
      values: { password: { token: { user, name: 'git', scopes: ['write:repository', 'write:package'] } } },
    })),
    people: ['admin@example.org'],
    woodpecker: {
      url: ci,
      webhookUrl: `${ci}/api/hook`,
      repository: 'app',
      timeoutMinutes: 60,
      configFile: '.woodpecker.yml',
      tokenSecret: { namespace: 'x', name: 'woodpecker-token' },
      secrets: [
        { name: 'forge_token', events: ['push'], value: { secret: { namespace: 'x', name: 'ci', key: 'password' } } },
      ],
    },
  };
}

function secret(namespace: string, name: string): Record<string, string> {
  const data = (cluster.objects.get(`/api/v1/namespaces/${namespace}/secrets/${name}`)?.data ?? {}) as Record<
    string,
    string
  >;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

async function run(setUp: typeof setUpForge): Promise<readonly string[]> {
  const report = new Report(() => undefined);
  await setUp({ settings, client: () => cluster.client, report, restoreForge: false, wait: 120 });
  return report.changes;
}

/** A push to the repository of pipelines; the words of the refusal, or undefined. */
async function push(user: string, branch: string): Promise<string | undefined> {
  const remote = {
    url: `${settings.url}/stonks/pipelines.git`,
    credentials: { username: user, password: user === 'forge-admin' ? password : (secret('x', user).password ?? '') },
  };
  return git(['push', remote.url, `refs/heads/main:refs/heads/${branch}`], {
    remote,
    cwd: path.join(folder, 'source.git'),
  }).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

const hooks = async (): Promise<{ id: number }[]> => {
  const authorization = `Basic ${Buffer.from(`forge-admin:${password}`).toString('base64')}`;
  return (
    await fetch(`${settings.url}/api/v1/repos/stonks/app/hooks`, { headers: { authorization } })
  ).json() as Promise<{ id: number }[]>;
};

describe('the real Gitea and Woodpecker', () => {
  test('are set up from nothing, and a second run changes nothing', async () => {
    const changes = await run(setUpForge);
    expect(changes[0]).toContain('Gitea set up for the first time');
    expect(changes).toContainEqual(expect.stringContaining('all branches and tags imported'));
    await startWoodpecker();
    expect(await run(setUpWoodpecker)).toContainEqual(expect.stringContaining('a test event arrived (204)'));
    expect(await run(setUpForge)).toEqual([]);
    expect(await run(setUpWoodpecker)).toEqual([]);
    // The test event of the webhook started no pipeline.
    const authorization = `Bearer ${secret('x', 'woodpecker-token').token}`;
    const pipelines = await fetch(`http://127.0.0.1:${ports.http}/api/repos/1/pipelines`, {
      headers: { authorization },
    });
    expect(await pipelines.json()).toEqual([]);
  });

  test('protected branches take pushes of their users only, and no rewinding', async () => {
    expect(await push('ci', 'main')).toBeUndefined();
    expect(await push('kargo', 'stage/live')).toBeUndefined();
    expect(await push('ci', 'stage/beta')).toContain('declined');
    expect(await push('forge-admin', 'stage/beta')).toContain('declined');
  });

  test('a lost secret, a deleted webhook and a wiped database are healed', async () => {
    cluster.objects.delete('/api/v1/namespaces/woodpecker/secrets/woodpecker-oauth');
    expect(await run(setUpForge)).toContainEqual(expect.stringContaining('got a new secret'));
    await startWoodpecker();
    expect(await run(setUpWoodpecker)).toEqual([]);

    const authorization = `Basic ${Buffer.from(`forge-admin:${password}`).toString('base64')}`;
    const [hook] = await hooks();
    await fetch(`${settings.url}/api/v1/repos/stonks/app/hooks/${hook?.id}`, {
      method: 'DELETE',
      headers: { authorization },
    });
    expect(await run(setUpWoodpecker)).toContainEqual(expect.stringContaining('a test event arrived'));

    if (woodpecker) await stop(woodpecker);
    rmSync(path.join(folder, 'woodpecker.sqlite'));
    await startWoodpecker();
    const changes = await run(setUpWoodpecker);
    expect(changes).toContainEqual(expect.stringContaining('activated in Woodpecker'));
    expect(changes).toContainEqual(expect.stringContaining('a test event arrived'));
    expect(await hooks()).toHaveLength(1);
    expect(await run(setUpWoodpecker)).toEqual([]);
  });

  test('a wrong password is told as such', async () => {
    writeFileSync(path.join(folder, 'password'), 'wrong');
    await expect(run(setUpForge)).rejects.toThrow('the password is wrong');
    writeFileSync(path.join(folder, 'password'), password);
  });
});
