import { rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stonksServices } from '../../../systems/stonks/application.ts';
import { Delivery } from '../../support/application/delivery.ts';
import { git } from '../../support/application/sample.ts';
import type { PipelineResult } from '../../support/application/woodpecker-runner.ts';

let delivery: Delivery;

beforeAll(async () => {
  delivery = await Delivery.start();
});

afterAll(() => delivery.stop());

beforeEach(() => {
  delivery.forge.requests.length = 0;
  delivery.forge.statuses.length = 0;
  delivery.forge.images.length = 0;
  delivery.forge.packages.clear();
  delivery.secrets = { forge_token: delivery.forge.token, github_token: 'token-of-github' };
});

function outcomeOf(result: PipelineResult, step: string): string | undefined {
  return result.steps.find(({ name }) => name === step)?.outcome;
}

function logOf(result: PipelineResult, step: string): string {
  return result.steps.find(({ name }) => name === step)?.log ?? '';
}

async function mirrored(): Promise<string> {
  return (await git(delivery.target, 'for-each-ref', '--format=%(refname)')).trim();
}

/** Requests to the forge that nothing in the test answers must not happen. */
function expectNothingUnknown(): void {
  expect(delivery.forge.unknown).toEqual([]);
}

describe('a push to main of the sample application', () => {
  it('is tested, built, tested as a whole, proven and mirrored', async () => {
    const result = await delivery.run();
    expect(result.steps.filter(({ outcome }) => outcome !== 'success')).toEqual([]);
    expect(result.status).toBe('success');
    expect(delivery.calls()).toEqual(
      expect.arrayContaining([
        'ruff check services/',
        'pytest tests/',
        'npm ci --no-audit --no-fund',
        'npx vitest run',
      ]),
    );
    const { commit } = delivery;
    expect([...delivery.forge.images].sort()).toEqual(
      stonksServices.services.flatMap(({ name }) => [`${name}:${commit}`, `${name}:latest`]).sort(),
    );
    expect(delivery.forge.images.slice(-2)).toEqual([`query-api:${commit}`, 'query-api:latest']);
    expect(delivery.forge.statuses.map(({ state }) => state)).toEqual(['pending', 'success']);
    expect(logOf(result, 'evidence')).toMatch(/passed {2}3[\s\S]*stored: http/);
    expect(delivery.forge.packages.size).toBe(1);
    expect(await mirrored()).toBe('refs/heads/main');
    expectNothingUnknown();
  });

  it('tests in a sandbox of its own that is opened before and deleted after', async () => {
    await delivery.run();
    const kubectl = delivery.calls().filter((call) => call.startsWith('kubectl '));
    const opened = kubectl.find((call) => call.startsWith('kubectl create rolebinding sandbox'));
    const namespace = /--namespace (stonks-inttest-\d+) /.exec(opened ?? '')?.[1];
    expect(opened).toContain(
      '--clusterrole woodpecker-inttest-sandbox --serviceaccount woodpecker-steps:inttest-runner',
    );
    const deployments = kubectl.filter((call) => call.includes('create deployment'));
    expect(deployments).toHaveLength(3);
    expect(deployments.every((call) => call.includes(`--namespace ${namespace} `))).toBe(true);
    expect(kubectl.at(-1)).toContain(`delete namespace ${namespace}`);
  });

  it('builds nothing when lint fails, and says that the test did not run', async () => {
    const result = await delivery.run({ failing: ['ruff'] });
    expect(result.status).toBe('failure');
    expect(delivery.forge.images).toEqual([]);
    expect(outcomeOf(result, 'integration-test')).toBe('skipped');
    expect(outcomeOf(result, 'mirror')).toBe('skipped');
    expect(delivery.forge.statuses.map(({ state }) => state)).toEqual(['pending', 'failure']);
    expectNothingUnknown();
  });

  it.each(['pytest', 'npx'] as const)('builds nothing when %s fails', async (failing) => {
    const result = await delivery.run({ failing: [failing] });
    expect(result.status).toBe('failure');
    expect(delivery.forge.images).toEqual([]);
  });

  it('reports a failing integration test with its numbers, and mirrors nothing', async () => {
    const result = await delivery.run({ failing: ['curl'] });
    expect(result.status).toBe('failure');
    expect(delivery.forge.status()).toMatchObject({ state: 'failure', description: '3 of 3 failed' });
    expect(logOf(result, 'evidence')).toContain('"passed": false');
    expect(delivery.forge.packages.size).toBe(1);
    expect(outcomeOf(result, 'mirror')).toBe('skipped');
  });

  it('is not promoted when the pod of the integration test is taken away', async () => {
    const result = await delivery.run({ evicted: ['integration-test'] });
    expect(outcomeOf(result, 'integration-test')).toBe('success');
    expect(result.status).toBe('failure');
    expect(delivery.forge.statuses.map(({ state }) => state)).toEqual(['pending', 'failure']);
    expect(delivery.forge.status()?.description).toContain('did not end');
    expect(outcomeOf(result, 'mirror')).toBe('skipped');
  });

  it('is not promoted when the pod of a build is taken away, even if the test passed', async () => {
    const result = await delivery.run({ evicted: ['build-superset'] });
    expect(outcomeOf(result, 'integration-test')).toBe('success');
    expect(result.status).toBe('failure');
    expect(delivery.forge.status()?.description).toBe('the registry has no image of superset');
  });

  it('takes back the success of an earlier run before its images are replaced', async () => {
    await delivery.run();
    let atFirstBuild: string | undefined;
    const result = await delivery.run({
      evicted: ['integration-test'],
      plugin: () => {
        atFirstBuild ??= delivery.forge.status()?.state;
      },
    });
    expect(atFirstBuild).toBe('pending');
    expect(result.status).toBe('failure');
    expect(delivery.forge.status()?.state).toBe('failure');
  });

  it('builds nothing while the forge does not take the pending status', async () => {
    delivery.secrets.forge_token = 'expired';
    const result = await delivery.run();
    expect(result.status).toBe('failure');
    expect(delivery.forge.images).toEqual([]);
    expect(delivery.forge.statuses).toEqual([]);
    expect(logOf(result, 'evidence-pending')).toContain('renew the secret');
  });

  it('is promoted although the mirror fails', async () => {
    await git(delivery.folders.root, 'clone', '--quiet', '--bare', delivery.target, 'kept.git');
    rmSync(delivery.target, { recursive: true });
    const result = await delivery.run();
    await git(delivery.folders.root, 'clone', '--quiet', '--bare', 'kept.git', delivery.target);
    expect(outcomeOf(result, 'mirror')).toBe('ignored failure');
    expect(result.status).toBe('success');
    expect(delivery.forge.status()?.state).toBe('success');
  });

  it('says that the mirror is not set up while its secret is a placeholder', async () => {
    delivery.secrets.github_token = 'unset';
    const result = await delivery.run();
    expect(result.status).toBe('success');
    expect(logOf(result, 'mirror')).toContain('not set up');
  });

  it('deploys a commit of digits as text', async () => {
    const commit = '1234567890123456789012345678901234567890';
    const result = await delivery.run({ commit });
    expect(result.status).toBe('success');
    expect(delivery.forge.images).toContain(`query-api:${commit}`);
    expect(delivery.calls().filter((call) => call.includes('--image '))).toContainEqual(
      expect.stringContaining(`registry.celestium.life/stonks-oracle/query-api:${commit}`),
    );
  });
});

describe('other events', () => {
  it('tests a pull request, without builds, secrets or requests to the forge', async () => {
    delivery.secrets = {};
    const result = await delivery.run({ event: 'pull_request' });
    expect(result.status).toBe('success');
    expect(result.steps.map(({ name }) => name)).toEqual(['lint', 'pytest', 'vitest']);
    expect(delivery.forge.requests).toEqual([]);
    expect(delivery.forge.images).toEqual([]);
  });

  it('reports a pull request whose tests fail', async () => {
    expect((await delivery.run({ event: 'pull_request', failing: ['pytest'] })).status).toBe('failure');
  });

  it('does nothing for other branches and tags', async () => {
    expect((await delivery.run({ branch: 'feature' })).status).toBe('not started');
    expect((await delivery.run({ event: 'tag' })).status).toBe('not started');
  });

  it('cannot start while a secret is missing, so set-up makes every one', async () => {
    delivery.secrets = { forge_token: 'x' };
    await expect(delivery.run()).rejects.toThrow('secret "github_token" not found');
  });
});
