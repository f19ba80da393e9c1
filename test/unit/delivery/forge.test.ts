import { afterEach, describe, expect, test } from 'vitest';
import type { ForgeAddress, RepositoryPlace } from '../../../model/forge-url/index.ts';
import { basic, JsonApi } from '../../../runtime/delivery/forge/http.ts';
import { forgeClient } from '../../../runtime/delivery/forge/index.ts';
import { ensureHarborProject } from '../../../runtime/delivery/harbor.ts';
import { type Call, jsonServer } from './facts.ts';

const gitHub: ForgeAddress = { name: 'github', kind: 'github', url: 'https://github.com' };
const azure: ForgeAddress = { name: 'azure', kind: 'azure-devops', url: 'https://dev.azure.com' };
const hub: RepositoryPlace = { forge: 'github', owner: 'metasync', repository: 'ledger' };
const cloud: RepositoryPlace = { forge: 'azure', owner: 'metasync', project: 'my data', repository: 'sales' };
const hook = { url: 'https://hook.example.com/push', secret: 's3cret' };
const request = { from: 'promote/x', to: 'main', title: 'Promote x', description: 'x' };

let server: Awaited<ReturnType<typeof jsonServer>> | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function withForge(forge: ForgeAddress, answers: Readonly<Record<string, unknown>>) {
  server = await jsonServer(({ method, path }: Call) => {
    const key = `${method} ${path.split('?')[0]}`;
    return key in answers ? { status: 200, body: answers[key] } : { status: method === 'GET' ? 404 : 201, body: {} };
  });
  return { client: forgeClient(forge, 'metasync', 't0ken', { api: server.url }), calls: server.calls };
}

const changes = (calls: readonly Call[]) => calls.filter(({ method }) => method !== 'GET');

describe('GitHub', () => {
  const repository = '/repos/metasync/ledger';

  test('gets a private repository where there is none', async () => {
    const { client, calls } = await withForge(gitHub, {});
    expect(await client.ensureRepository(hub)).toBe(true);
    expect(changes(calls)).toEqual([
      {
        method: 'POST',
        path: '/orgs/metasync/repos',
        authorization: 'Bearer t0ken',
        body: { name: 'ledger', private: true, auto_init: false },
      },
    ]);
  });

  test('keeps the repository that is there', async () => {
    const { client, calls } = await withForge(gitHub, { [`GET ${repository}`]: { name: 'ledger' } });
    expect(await client.ensureRepository(hub)).toBe(false);
    expect(changes(calls)).toEqual([]);
  });

  test('protects the branch: reviewed pull requests only, for administrators too', async () => {
    const { client, calls } = await withForge(gitHub, {});
    await client.protect(hub, { branch: 'main', reviewers: 1 });
    expect(calls[0]?.path).toBe(`${repository}/branches/main/protection`);
    expect(calls[0]?.body).toMatchObject({
      required_pull_request_reviews: { required_approving_review_count: 1, dismiss_stale_reviews: true },
      enforce_admins: true,
      allow_force_pushes: false,
    });
  });

  test('reports pushes and nothing else, signed', async () => {
    const { client, calls } = await withForge(gitHub, { [`GET ${repository}/hooks`]: [] });
    expect(await client.ensureHook(hub, hook)).toBe(true);
    expect(changes(calls)[0]?.body).toMatchObject({
      events: ['push'],
      config: { url: hook.url, content_type: 'json', secret: 's3cret', insecure_ssl: '0' },
    });
  });

  test('has its webhook brought up to date, not doubled', async () => {
    const present = [{ id: 7, active: false, events: ['*'], config: { url: hook.url } }];
    const { client, calls } = await withForge(gitHub, { [`GET ${repository}/hooks`]: present });
    expect(await client.ensureHook(hub, hook)).toBe(false);
    expect(changes(calls).map(({ method, path }) => `${method} ${path}`)).toEqual([`PATCH ${repository}/hooks/7`]);
  });

  test('opens one pull request for a branch, however often it is asked', async () => {
    const pulls: Array<{ html_url: string }> = [];
    const { client, calls } = await withForge(gitHub, {
      [`GET ${repository}/pulls`]: pulls,
      [`POST ${repository}/pulls`]: { html_url: 'https://github.com/1' },
    });
    expect(await client.openPullRequest(hub, request)).toEqual({ url: 'https://github.com/1', created: true });
    expect(changes(calls)[0]?.body).toEqual({ head: 'promote/x', base: 'main', title: 'Promote x', body: 'x' });
    pulls.push({ html_url: 'https://github.com/1' });
    expect(await client.openPullRequest(hub, request)).toEqual({ url: 'https://github.com/1', created: false });
  });
});

describe('Azure DevOps', () => {
  const project = '/my%20data';
  const repository = `${project}/_apis/git/repositories/sales`;
  const found = { [`GET ${repository}`]: { id: 'r1', project: { id: 'p1' } } };

  test('gets a repository where there is none, with the token as password', async () => {
    const { client, calls } = await withForge(azure, {});
    expect(await client.ensureRepository(cloud)).toBe(true);
    expect(changes(calls)).toMatchObject([
      {
        path: `${project}/_apis/git/repositories?api-version=7.0`,
        body: { name: 'sales' },
        authorization: basic('', 't0ken'),
      },
    ]);
  });

  test('protects the branch by a blocking policy, made once', async () => {
    const policies: unknown[] = [];
    const path = `${project}/_apis/policy/configurations`;
    const { client, calls } = await withForge(azure, { ...found, [`GET ${path}`]: { value: policies } });
    await client.protect(cloud, { branch: 'main', reviewers: 1 });
    const made = changes(calls)[0]?.body as Record<string, unknown>;
    expect(made).toMatchObject({
      isBlocking: true,
      settings: { minimumApproverCount: 1, creatorVoteCounts: false, scope: [{ refName: 'refs/heads/main' }] },
    });
    policies.push({ id: 5, ...made });
    await client.protect(cloud, { branch: 'main', reviewers: 1 });
    expect(changes(calls).map(({ method }) => method)).toEqual(['POST', 'PUT']);
  });

  test('reports pushes of this repository with the secret in a header', async () => {
    const { client, calls } = await withForge(azure, { ...found, 'GET /_apis/hooks/subscriptions': { value: [] } });
    expect(await client.ensureHook(cloud, hook)).toBe(true);
    expect(changes(calls)[0]?.body).toMatchObject({
      eventType: 'git.push',
      publisherInputs: { projectId: 'p1', repository: 'r1' },
      consumerInputs: { url: hook.url, httpHeaders: 'Authorization: Bearer s3cret' },
    });
  });

  test('opens one pull request for a branch', async () => {
    const path = `${project}/_apis/git/repositories/r1/pullrequests`;
    const open: Array<{ url: string }> = [];
    const { client, calls } = await withForge(azure, {
      ...found,
      [`GET ${path}`]: { value: open },
      [`POST ${path}`]: { url: 'https://dev.azure.com/1' },
    });
    expect((await client.openPullRequest(cloud, request)).created).toBe(true);
    expect(changes(calls)[0]?.body).toMatchObject({
      sourceRefName: 'refs/heads/promote/x',
      targetRefName: 'refs/heads/main',
    });
    open.push({ url: 'https://dev.azure.com/1' });
    expect((await client.openPullRequest(cloud, request)).created).toBe(false);
  });

  test('says what to do when the repository is missing', async () => {
    const { client } = await withForge(azure, {});
    await expect(client.protect(cloud, { branch: 'main', reviewers: 1 })).rejects.toThrow(
      /my data\/sales; create it first/,
    );
  });
});

test('a token that is refused ends with what to do, and without the token', async () => {
  server = await jsonServer(() => ({ status: 401, body: { message: 'Bad credentials' } }));
  const client = forgeClient(gitHub, 'metasync', 't0ken', { api: server.url });
  const error = await client.ensureRepository(hub).catch((reason: Error) => reason.message);
  expect(error).toMatch(/log-in is refused; renew the token/);
  expect(error).not.toContain('t0ken');
});

describe('a project of the registry', () => {
  test('is made private, once', async () => {
    const projects: Array<{ name: string }> = [];
    server = await jsonServer(({ method, path, body }) => {
      if (method === 'GET') return { status: path.startsWith('/api/v2.0/projects') ? 200 : 404, body: projects };
      projects.push({ name: (body as { project_name: string }).project_name });
      return { status: 201 };
    });
    const api = new JsonApi(server.url, basic('admin', 'password'));
    expect(await ensureHarborProject(api, 'payments')).toBe(true);
    expect(await ensureHarborProject(api, 'payments')).toBe(false);
    expect(changes(server.calls)).toMatchObject([
      { body: { project_name: 'payments', metadata: { public: 'false' } }, authorization: basic('admin', 'password') },
    ]);
  });
});
