import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ForgeSetupSettings } from '../../../model/forge-setup/settings.ts';
import { Report } from '../../../runtime/forge-setup/report.ts';
import { setUpForge, setUpWoodpecker } from '../../../runtime/forge-setup/setup.ts';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import { snapshot } from '../../../runtime/state/commands.ts';
import { git } from '../../../runtime/state/git.ts';
import { commitTo } from '../../support/git-server.ts';
import { KubernetesStandIn } from '../../support/kubernetes-stand-in.ts';
import { GiteaStandIn } from './gitea-stand-in.ts';
import { WoodpeckerStandIn } from './woodpecker-stand-in.ts';

const password = 'S3cret/pass+word';
let folder: string;
let gitea: GiteaStandIn;
let woodpecker: WoodpeckerStandIn;
let cluster: KubernetesStandIn;
let lines: string[];
let settings: ForgeSetupSettings;

/** Made once: git takes its time. */
const templates = mkdtempSync(join(tmpdir(), 'forge-templates-'));

beforeAll(async () => {
  await git(['init', '--bare', '--quiet', '--initial-branch=main', join(templates, 'empty.git')]);
  // The application's repository as it is outside: two branches, two tags.
  const path = join(templates, 'source.git');
  await git(['init', '--bare', '--quiet', '--initial-branch=trunk', path]);
  await commitTo(path, 'main', 'a', 'one');
  await commitTo(path, 'feature/x', 'b', 'two');
  await git(['tag', 'v1', 'main'], { cwd: path });
  await git(['-c', 'user.name=a', '-c', 'user.email=a@b.c', 'tag', '-a', 'v2', '-m', 'two', 'main'], { cwd: path });
});
afterAll(() => rmSync(templates, { recursive: true, force: true }));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forge-setup-'));
  lines = [];
  gitea = new GiteaStandIn(join(templates, 'empty.git'));
  woodpecker = new WoodpeckerStandIn(gitea);
  cluster = await KubernetesStandIn.start();
  await gitea.start();
  await woodpecker.start();
  woodpecker.admins.add('forge-admin');
  writeFileSync(join(folder, 'username'), 'forge-admin\n');
  writeFileSync(join(folder, 'password'), password);
  settings = settingsOf();
});

afterEach(async () => {
  expect([...gitea.unknown, ...woodpecker.unknown]).toEqual([]);
  // No value of a secret is ever printed.
  expect(lines.join('\n')).not.toMatch(/gto_|S3cret|wp-forge-admin/);
  await Promise.all([gitea.stop(), woodpecker.stop(), cluster.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

function settingsOf(): ForgeSetupSettings {
  return {
    format: 'forge-setup-settings/1',
    system: 'stonks-oracle',
    url: gitea.url,
    admin: {
      usernameFile: join(folder, 'username'),
      passwordFile: join(folder, 'password'),
      email: 'admin@celestium.life',
    },
    sshPort: 30022,
    owner: 'stonks',
    users: ['kargo', 'ci', 'argocd', 'audit'].map((name) => ({
      name,
      email: `${name}@celestium.life`,
      fullName: name,
    })),
    packageWriters: ['ci'],
    repositories: [
      {
        name: 'stonks-oracle',
        defaultBranch: 'main',
        importFrom: join(templates, 'source.git'),
        collaborators: [
          { user: 'ci', permission: 'write' },
          { user: 'argocd', permission: 'read' },
        ],
        protections: [],
      },
      {
        name: 'pipelines',
        defaultBranch: 'main',
        collaborators: [{ user: 'kargo', permission: 'write' }],
        protections: [
          { pattern: 'stage/*', pushers: ['kargo'] },
          { pattern: 'audit', pushers: ['audit'] },
        ],
      },
    ],
    applications: [
      {
        name: 'woodpecker',
        redirectUris: [`${woodpecker.url}/authorize`],
        secret: { namespace: 'woodpecker', name: 'woodpecker-oauth', idKey: 'client-id', secretKey: 'client-secret' },
        restart: { namespace: 'woodpecker', podLabels: { app: 'woodpecker-server' } },
      },
    ],
    secrets: [
      {
        namespace: 'kargo-shared-resources',
        name: 'pipelines-git',
        labels: { 'kargo.akuity.io/cred-type': 'git' },
        values: {
          repoURL: { literal: `${gitea.url}/stonks/pipelines.git` },
          username: { literal: 'kargo' },
          password: { token: { user: 'kargo', name: 'kargo-git', scopes: ['write:repository'] } },
        },
      },
      ...['a', 'b'].map((name) => ({
        namespace: 'argocd',
        name: `repository-${name}`,
        values: { password: { token: { user: 'argocd', name: 'argocd-read', scopes: ['read:repository'] } } },
      })),
      {
        namespace: 'pipelines-set-up',
        name: 'ci-token',
        values: { token: { token: { user: 'ci', name: 'ci', scopes: ['write:repository', 'write:package'] } } },
      },
    ],
    people: ['admin@celestium.life', 'approver@celestium.life'],
    woodpecker: {
      url: woodpecker.url,
      webhookUrl: `${woodpecker.url}/api/hook`,
      repository: 'stonks-oracle',
      timeoutMinutes: 180,
      configFile: '.woodpecker.yml',
      tokenSecret: { namespace: 'pipelines-set-up', name: 'woodpecker-token' },
      secrets: [
        {
          name: 'forge_token',
          events: ['push', 'manual'],
          value: { secret: { namespace: 'pipelines-set-up', name: 'ci-token', key: 'token' } },
        },
        {
          name: 'package_token',
          events: ['push'],
          value: { token: { user: 'ci', name: 'packages', scopes: ['write:package'] } },
        },
        {
          name: 'github_token',
          events: ['push'],
          value: { secret: { namespace: 'pipelines-set-up', name: 'github', key: 'token' }, otherwise: 'unset' },
        },
      ],
    },
  };
}

const context = (restoreForge = false) => ({
  settings,
  client: () => cluster.client,
  report: new Report((line) => lines.push(line)),
  restoreForge,
  wait: 3,
});

async function forge(restoreForge = false): Promise<Report> {
  const how = context(restoreForge);
  await setUpForge(how);
  return how.report;
}

async function ci(): Promise<Report> {
  const how = context();
  await setUpWoodpecker(how);
  return how.report;
}

function secret(namespace: string, name: string): Record<string, string> {
  const data = (cluster.objects.get(`/api/v1/namespaces/${namespace}/secrets/${name}`)?.data ?? {}) as Record<
    string,
    string
  >;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

const refs = (path: string): Promise<string> =>
  git(['for-each-ref', '--format=%(objectname) %(refname)'], { cwd: path });

/** Woodpecker's server reads its Secret when it starts. */
function startWoodpecker(): void {
  const { 'client-id': id = '', 'client-secret': value = '' } = secret('woodpecker', 'woodpecker-oauth');
  woodpecker.client = { id, secret: value };
}

async function everything(): Promise<void> {
  // As after a push by somebody else: the import itself has a test of its own.
  const { repositories } = settings;
  settings = { ...settings, repositories: repositories.map(({ importFrom: _, ...repository }) => repository) };
  await forge();
  cpSync(join(templates, 'source.git'), gitea.gitFolder('stonks/stonks-oracle'), { recursive: true });
  startWoodpecker();
  await ci();
}

describe('the first run', () => {
  test('completes the first set-up of Gitea with the one address, an administrator, and no open registration', async () => {
    await forge();
    expect(gitea.installMode).toBe(false);
    const form = Object.fromEntries(gitea.installForm);
    expect(form).toMatchObject({
      db_type: 'sqlite3',
      app_url: `${gitea.url}/`,
      domain: '127.0.0.1',
      ssh_port: '30022',
      disable_registration: 'on',
      offline_mode: 'on',
      run_user: 'git',
      admin_name: 'forge-admin',
      admin_email: 'admin@celestium.life',
      admin_passwd: password,
    });
    expect(form).not.toHaveProperty('enable_update_checker');
  });

  test('makes accounts, repositories with all branches and tags, protection, and the Secrets of the consumers', async () => {
    const report = await forge();
    expect([...gitea.users.keys()].sort()).toEqual(['argocd', 'audit', 'ci', 'forge-admin', 'kargo']);
    expect(await refs(gitea.gitFolder('stonks/stonks-oracle'))).toBe(await refs(join(templates, 'source.git')));
    expect(gitea.repo('stonks/stonks-oracle')).toMatchObject({ private: true, default_branch: 'main' });
    expect(Object.fromEntries(gitea.repo('stonks/stonks-oracle').collaborators)).toEqual({
      ci: 'write',
      argocd: 'read',
    });
    expect(gitea.repo('stonks/pipelines').protections).toMatchObject([
      {
        rule_name: 'stage/*',
        enable_push_whitelist: true,
        push_whitelist_usernames: ['kargo'],
        enable_force_push: false,
      },
      { rule_name: 'audit', push_whitelist_usernames: ['audit'] },
    ]);
    const writers = gitea.orgs.get('stonks')?.teams.find(({ name }) => name === 'package-writers');
    expect(writers).toMatchObject({ units_map: { 'repo.packages': 'write' }, members: new Set(['ci']) });

    const token = gitea.users.get('kargo')?.tokens[0];
    expect(token).toMatchObject({ name: 'kargo-git', scopes: ['write:repository'] });
    expect(secret('kargo-shared-resources', 'pipelines-git')).toEqual({
      repoURL: `${gitea.url}/stonks/pipelines.git`,
      username: 'kargo',
      password: token?.token,
    });
    const label = cluster.objects.get('/api/v1/namespaces/kargo-shared-resources/secrets/pipelines-git')?.metadata
      .labels;
    expect(label).toMatchObject({ 'kargo.akuity.io/cred-type': 'git' });
    // One token for both, since both ask for the same name.
    expect(secret('argocd', 'repository-a')).toEqual(secret('argocd', 'repository-b'));
    expect(gitea.users.get('argocd')?.tokens).toHaveLength(1);
    expect(report.notes).toEqual([expect.stringContaining('approver@celestium.life')]);
  });

  test('connects Woodpecker: token without a browser, active repository, a webhook that delivers, pipeline secrets', async () => {
    await everything();
    expect(woodpecker.repos).toHaveLength(1);
    const [repo] = woodpecker.repos;
    expect(repo).toMatchObject({
      active: true,
      config_file: '.woodpecker.yml',
      timeout: 180,
      visibility: 'internal',
      require_approval: 'forks',
      trusted: { security: false },
    });
    expect(repo?.secrets.get('forge_token')).toEqual({
      value: secret('pipelines-set-up', 'ci-token').token,
      events: ['push', 'manual'],
    });
    // Nobody gave one: it exists all the same, because a pipeline with an unknown secret does not even start.
    expect(repo?.secrets.get('github_token')).toEqual({ value: 'unset', events: ['push'] });
    // A token that only the pipeline uses is kept, so that the next run does not make another.
    const packages = gitea.users.get('ci')?.tokens.find(({ name }) => name === 'packages');
    expect(repo?.secrets.get('package_token')?.value).toBe(packages?.token);
    expect(secret('pipelines-set-up', 'woodpecker-token')['pipeline-package_token']).toBe(packages?.token);
    const { hooks } = gitea.repo('stonks/stonks-oracle');
    expect(hooks.map(({ deliveries }) => deliveries.map(({ status }) => status))).toEqual([[204]]);
    expect(lines).toContainEqual(expect.stringContaining('a test event arrived (204)'));
  });
});

test('a second run changes nothing, anywhere', async () => {
  await everything();
  const [giteaWrites, clusterWrites, woodpeckerWrites] = [gitea, cluster, woodpecker].map(
    ({ writes }) => writes.length,
  );
  const reports = [await forge(), await ci()];
  expect(reports.flatMap(({ changes }) => changes)).toEqual([]);
  expect(cluster.writes.slice(clusterWrites)).toEqual([]);
  expect(woodpecker.writes.slice(woodpeckerWrites)).toEqual([]);
  // It tries the client secret and logs in to look at the deliveries.
  expect([...new Set(gitea.writes.slice(giteaWrites))].sort()).toEqual([
    'POST /login/oauth/access_token',
    'POST /user/login',
  ]);
});

describe('healing', () => {
  beforeEach(everything);

  test('a lost OAuth2 secret is replaced, and the server that holds the old one is started again', async () => {
    cluster.put('/api/v1/namespaces/woodpecker/pods/w-1', {
      metadata: { name: 'w-1', namespace: 'woodpecker', labels: { app: 'woodpecker-server' } },
    });
    cluster.put('/api/v1/namespaces/woodpecker/pods/other', {
      metadata: { name: 'other', namespace: 'woodpecker', labels: {} },
    });
    const before = secret('woodpecker', 'woodpecker-oauth');
    cluster.objects.delete('/api/v1/namespaces/woodpecker/secrets/woodpecker-oauth');
    const { changes } = await forge();
    expect(changes).toContain('OAuth2 application woodpecker got a new secret (the old one was lost)');
    const after = secret('woodpecker', 'woodpecker-oauth');
    expect(after['client-id']).toBe(before['client-id']);
    expect(after['client-secret']).not.toBe(before['client-secret']);
    expect(cluster.objects.has('/api/v1/namespaces/woodpecker/pods/w-1')).toBe(false);
    expect(cluster.objects.has('/api/v1/namespaces/woodpecker/pods/other')).toBe(true);
    startWoodpecker();
    expect((await ci()).changes).toEqual([]);
  });

  test('a secret that the forge no longer takes is replaced too', async () => {
    const data = {
      'client-id': secret('woodpecker', 'woodpecker-oauth')['client-id'] ?? '',
      'client-secret': 'gto_stale',
    };
    const stale = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    cluster.put('/api/v1/namespaces/woodpecker/secrets/woodpecker-oauth', {
      metadata: { name: 'woodpecker-oauth', namespace: 'woodpecker' },
      data: stale,
    });
    expect((await forge()).changes).toHaveLength(2);
    expect((await forge()).changes).toEqual([]);
  });

  test('a deleted webhook is registered again and proven', async () => {
    gitea.repo('stonks/stonks-oracle').hooks.length = 0;
    const { changes } = await ci();
    expect(changes).toEqual([expect.stringContaining('registered'), expect.stringContaining('a test event arrived')]);
    expect(gitea.repo('stonks/stonks-oracle').hooks).toHaveLength(1);
  });

  test('after a wiped Woodpecker database: log-in, activation, one living webhook, secrets', async () => {
    const dead = gitea.repo('stonks/stonks-oracle').hooks[0]?.id;
    const oldToken = secret('pipelines-set-up', 'woodpecker-token').token;
    woodpecker.wipe();
    await ci();
    expect(secret('pipelines-set-up', 'woodpecker-token').token).not.toBe(oldToken);
    const { hooks } = gitea.repo('stonks/stonks-oracle');
    expect(hooks).toHaveLength(1);
    expect(hooks[0]?.id).not.toBe(dead);
    expect(hooks[0]?.deliveries[0]?.status).toBe(204);
    expect([...(woodpecker.repos[0]?.secrets.keys() ?? [])]).toEqual(['forge_token', 'package_token', 'github_token']);
    expect((await ci()).changes).toEqual([]);
  });

  test('a webhook that Woodpecker refuses is registered anew', async () => {
    const [hook] = gitea.repo('stonks/stonks-oracle').hooks;
    if (hook) {
      hook.config.url = `${woodpecker.url}/api/hook?access_token=forged`;
      hook.deliveries.length = 0;
    }
    await ci();
    expect(gitea.repo('stonks/stonks-oracle').hooks.map(({ deliveries }) => deliveries[0]?.status)).toEqual([204]);
  });

  test('a revoked token is made anew for everyone who holds it', async () => {
    const argocd = gitea.users.get('argocd');
    if (argocd) argocd.tokens.length = 0;
    await forge();
    expect(secret('argocd', 'repository-a').password).toBe(argocd?.tokens[0]?.token);
    expect(secret('argocd', 'repository-b').password).toBe(argocd?.tokens[0]?.token);
  });

  test('a value that one Secret lost comes from the other that holds it', async () => {
    const token = secret('argocd', 'repository-a').password;
    cluster.objects.delete('/api/v1/namespaces/argocd/secrets/repository-b');
    expect((await forge()).changes).toEqual(['Secret argocd/repository-b made (password)']);
    expect(secret('argocd', 'repository-b').password).toBe(token);
  });

  test('loosened protection and another default branch are put right', async () => {
    const rule = gitea.repo('stonks/pipelines').protections[0];
    Object.assign(rule ?? {}, { push_whitelist_usernames: ['kargo', 'eve'], enable_force_push: true });
    gitea.repo('stonks/stonks-oracle').default_branch = 'feature/x';
    await forge();
    expect(rule).toMatchObject({ push_whitelist_usernames: ['kargo'], enable_force_push: false });
    expect(gitea.repo('stonks/stonks-oracle').default_branch).toBe('main');
  });

  test('a changed value of a pipeline secret reaches Woodpecker, and no other is sent again', async () => {
    cluster.put('/api/v1/namespaces/pipelines-set-up/secrets/github', {
      metadata: { name: 'github', namespace: 'pipelines-set-up' },
      data: { token: Buffer.from('ghp_real').toString('base64') },
    });
    expect((await ci()).changes.filter((change) => change.startsWith('pipeline secret'))).toEqual([
      'pipeline secret github_token set (push)',
    ]);
    expect(woodpecker.repos[0]?.secrets.get('github_token')?.value).toBe('ghp_real');
  });
});

describe('clear errors', () => {
  test('a wrong password', async () => {
    gitea.installMode = false;
    gitea.addUser('forge-admin', 'another', { is_admin: true });
    await expect(forge()).rejects.toMatchObject({
      code: 2,
      message: expect.stringContaining('the password is wrong, or there is no such user'),
    });
  });

  test('a second factor', async () => {
    gitea.installMode = false;
    gitea.addUser('forge-admin', password, { is_admin: true, twoFactor: true });
    await expect(forge()).rejects.toMatchObject({
      code: 2,
      message: expect.stringContaining('has a second factor (2FA)'),
    });
  });

  test('somebody who is no administrator', async () => {
    gitea.installMode = false;
    gitea.addUser('forge-admin', password);
    await expect(forge()).rejects.toThrow('is no administrator of the forge');
  });

  test('an address where nothing listens, and one with an unknown name', async () => {
    const silent = new GiteaStandIn(join(templates, 'empty.git'));
    await silent.start();
    const { url } = silent;
    await silent.stop();
    settings = { ...settings, url };
    await expect(setUpForge({ ...context(), wait: 0 })).rejects.toThrow(/not reachable.*nothing listens there/);
  });

  test('a forge that cannot call Woodpecker names the setting', async () => {
    await forge();
    startWoodpecker();
    gitea.webhooksAllowed = false;
    const { message } = (await ci().catch((error: unknown) => error)) as Error;
    expect(message).toContain('GITEA__webhook__ALLOWED_HOST_LIST=private');
    expect(message).toContain('webhook can only call allowed HTTP servers');
    expect(message).not.toContain('gto_hidden');
  });

  test('a log-in that Woodpecker refuses says why', async () => {
    await forge();
    startWoodpecker();
    woodpecker.admins.clear();
    await expect(ci()).rejects.toThrow('forge-admin is not in WOODPECKER_ADMIN');
    woodpecker.client.secret = 'gto_wrong';
    await expect(ci()).rejects.toThrow('its client id or secret is wrong');
  });

  test('an import that fails leaves the rest done and says what to push', async () => {
    const [first, ...others] = settings.repositories;
    if (first)
      settings = { ...settings, repositories: [{ ...first, importFrom: join(folder, 'nothing.git') }, ...others] };
    const report = await forge();
    expect(report.notes).toContainEqual(expect.stringContaining('stonks/stonks-oracle is empty and was not imported'));
    expect(gitea.repo('stonks/pipelines').protections).toHaveLength(2);
  });
});

describe('beside snapshots', () => {
  async function saved(): Promise<void> {
    await everything();
    await commitTo(gitea.gitFolder('stonks/pipelines'), 'main', 'dist', 'rendered');
    await commitTo(gitea.gitFolder('stonks/pipelines'), 'stage/live', 'values.yaml', 'tag');
    writeFileSync(join(folder, 'key'), 'ab'.repeat(32));
    const url = `${gitea.url}/stonks/pipelines.git`;
    await snapshot(
      {
        settings: {
          format: 'state-settings/1',
          system: 'stonks-oracle',
          part: 'kargo',
          folder: join(folder, 'volume'),
          keyFile: join(folder, 'key'),
          retention: { recent: 5, daily: 5 },
          repositories: [
            {
              name: 'pipelines',
              url,
              credentials: { usernameFile: join(folder, 'username'), passwordFile: join(folder, 'password') },
            },
          ],
        },
        client: () => cluster.client,
        now: () => new Date(),
        log: () => undefined,
      },
      { acceptLoss: false },
    );
    settings = { ...settings, snapshots: { folder: join(folder, 'volume'), keyFile: join(folder, 'key') } };
  }

  async function loseForge(): Promise<void> {
    await gitea.stop();
    gitea = new GiteaStandIn(join(templates, 'empty.git'));
    await gitea.start();
    settings = { ...settingsOf(), ...(settings.snapshots ? { snapshots: settings.snapshots } : {}) };
  }

  test('an empty forge is not set up anew, and nothing is changed', async () => {
    await saved();
    await loseForge();
    await expect(forge()).rejects.toMatchObject({
      code: 3,
      message: expect.stringMatching(/first set-up, but snapshot .* holds pipelines.*--restore-forge/s),
    });
    expect(gitea.installMode).toBe(true);
    expect(gitea.writes).toEqual([]);
  });

  test('with --restore-forge its repositories come back from the snapshot, before they are protected', async () => {
    await saved();
    const before = await refs(gitea.gitFolder('stonks/pipelines'));
    await loseForge();
    await forge(true);
    expect(await refs(gitea.gitFolder('stonks/pipelines'))).toBe(before);
    expect(gitea.repo('stonks/pipelines').protections).toHaveLength(2);
    expect((await forge()).changes).toEqual([]);
  });
});

describe("Gitea's Deployment", () => {
  const path = '/apis/apps/v1/namespaces/git-server/deployments/gitea';
  const pod = '/api/v1/namespaces/git-server/pods/gitea-1';
  const deployment = (): KubernetesObject => ({
    metadata: { name: 'gitea', namespace: 'git-server' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'gitea' } },
      template: {
        spec: {
          containers: [{ name: 'gitea', image: 'x', env: [{ name: 'USER_UID', value: '1000' }] }],
          volumes: [{ name: 'data', hostPath: { path: '/kubedata-local/gitea' } }],
        },
      },
    },
    status: { readyReplicas: 1, observedGeneration: 1000 },
  });
  const spec = () =>
    cluster.objects.get(path)?.spec as {
      replicas: number;
      template: { spec: { nodeSelector?: object; containers: { env: { name: string; value: string }[] }[] } };
    };
  let seen: string[];

  beforeEach(async () => {
    await everything();
    seen = [];
    cluster.put(path, deployment());
    cluster.put(pod, {
      metadata: { name: 'gitea-1', namespace: 'git-server', labels: { app: 'gitea' } },
      spec: { nodeName: 'gremlin-2' },
    });
    settings = {
      ...settings,
      deployment: {
        namespace: 'git-server',
        name: 'gitea',
        environment: { GITEA__webhook__ALLOWED_HOST_LIST: 'private' },
      },
    };
    // The Deployment's controller: pods follow replicas.
    cluster.afterWrite = () => {
      const { replicas, template } = spec();
      seen.push(`${replicas} ${template.spec.containers[0]?.env.length}`);
      if (replicas === 0) setTimeout(() => cluster.objects.delete(pod), 30);
    };
  });

  test('is changed only while no Gitea runs, stays on its node, and keeps what it had', async () => {
    const { changes } = await forge();
    expect(changes).toEqual([
      'Deployment git-server/gitea: GITEA__webhook__ALLOWED_HOST_LIST; stays on node gremlin-2',
    ]);
    // Scaled to 0 with the old environment, then back to 1 with the new one.
    expect(seen).toEqual(['0 1', '1 2']);
    expect(spec().template.spec.nodeSelector).toEqual({ 'kubernetes.io/hostname': 'gremlin-2' });
    expect(spec().template.spec.containers[0]?.env).toContainEqual({ name: 'USER_UID', value: '1000' });
    expect(cluster.objects.get(path)?.metadata.annotations).toEqual({});
    expect((await forge()).changes).toEqual([]);
    expect(seen).toHaveLength(2);
  });

  test('a run that was killed while Gitea was stopped is finished by the next', async () => {
    const stopped = deployment();
    stopped.metadata.annotations = { 'pipelines.celestium.life/replicas': '1' };
    (stopped.spec as { replicas: number }).replicas = 0;
    cluster.objects.delete(pod);
    cluster.put(path, stopped);
    await forge();
    expect(spec().replicas).toBe(1);
    expect(cluster.objects.get(path)?.metadata.annotations).toEqual({});
  });

  test('two replicas, a missing Deployment and a missing container are refused', async () => {
    const two = deployment();
    (two.spec as { replicas: number }).replicas = 2;
    cluster.put(path, two);
    await expect(forge()).rejects.toMatchObject({ code: 3, message: expect.stringContaining('Gitea must have one') });
    settings = { ...settings, deployment: { namespace: 'git-server', name: 'other', environment: {} } };
    await expect(forge()).rejects.toThrow('Deployment git-server/other does not exist');
    settings = {
      ...settings,
      deployment: { namespace: 'git-server', name: 'gitea', container: 'web', environment: {} },
    };
    await expect(forge()).rejects.toThrow('has no container web; it has gitea');
  });
});
