import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceConfiguration } from '../../../model/evidence.ts';
import { publish } from '../../../runtime/evidence/evidence.ts';
import { Forge } from '../../support/application/forge.ts';
import { samplePipeline } from '../../support/application/sample.ts';
import { type Finished, run } from '../../support/processes.ts';

const program = fileURLToPath(new URL('../../../build/runtime/evidence.cjs', import.meta.url));
const commit = '1234567890123456789012345678901234567890';
const good = { commit, total: 3, passed: 3, failed: 0 };

let forge: Forge;
let folder: string;

beforeEach(async () => {
  forge = await Forge.start();
  forge.images.push(`query-api:${commit}`, `risk:${commit}`);
  folder = mkdtempSync(path.join(tmpdir(), 'evidence-'));
  mkdirSync(path.join(folder, '.pipelines'));
  copyFileSync(program, path.join(folder, '.pipelines/evidence.cjs'));
  configure({});
  results(good);
  outcome(`${commit} 7 0`);
});

afterEach(async () => {
  await forge.stop();
  rmSync(folder, { recursive: true });
  expect(forge.unknown).toEqual([]);
});

/** The configuration that is rendered for the sample, with the addresses of the test's own forge. */
function configure(change: Partial<EvidenceConfiguration>): void {
  const rendered = samplePipeline().files.find((file) => file.path === '.pipelines/evidence.json');
  const configuration: EvidenceConfiguration = {
    ...(JSON.parse(rendered?.content ?? '') as EvidenceConfiguration),
    forge: { kind: 'gitea', api: `${forge.url}/api/v1` },
    package: `${forge.url}/api/packages/stonks/generic/inttest-results`,
    manifests: ['query-api', 'risk'].map((name) => `${forge.url}/v2/stonks-oracle/${name}/manifests`),
    timeoutSeconds: 5,
    attempts: 2,
    ...change,
  };
  writeFileSync(path.join(folder, '.pipelines/evidence.json'), JSON.stringify(configuration));
}

function results(document: unknown): void {
  writeFileSync(
    path.join(folder, 'inttest-results.json'),
    typeof document === 'string' ? document : JSON.stringify(document),
  );
}

function outcome(text: string): void {
  writeFileSync(path.join(folder, 'inttest-outcome.txt'), `${text}\n`);
}

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  COMMIT_SHA: commit,
  REPOSITORY: 'stonks/stonks-oracle',
  RUN_NUMBER: '7',
  RUN_URL: 'https://ci.example/repos/1/pipeline/7',
  FORGE_TOKEN: forge.token,
});

/** Publishes in this process, for the many cases that do not depend on the program around it. */
async function published(): Promise<{ readonly success: boolean; readonly log: string }> {
  const log: string[] = [];
  const success = await publish({
    configuration: JSON.parse(readFileSync(path.join(folder, '.pipelines/evidence.json'), 'utf8')),
    folder,
    commit,
    repository: 'stonks/stonks-oracle',
    runNumber: '7',
    runUrl: 'https://ci.example/repos/1/pipeline/7',
    token: forge.token,
    print: (line) => log.push(line),
  });
  return { success, log: log.join('\n') };
}

/** Runs the shipped program the way the step does. */
function evidence(command: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return run('node', ['.pipelines/evidence.cjs', command], { cwd: folder, env: { ...environment(), ...env } });
}

describe('evidence of an integration test', () => {
  it('takes back an earlier success before anything is built', async () => {
    expect((await evidence('pending')).code).toBe(0);
    expect(forge.statuses).toEqual([
      {
        context: 'integration-test',
        state: 'pending',
        description: 'run 7 has not ended yet',
        target: 'https://ci.example/repos/1/pipeline/7',
      },
    ]);
  });

  it('prints, stores and links the results and then sets the status to success', async () => {
    const { code, stdout } = await evidence('publish');
    expect(code).toBe(0);
    const address = `${forge.url}/api/packages/stonks/generic/inttest-results/${commit}-7/inttest-results.json`;
    expect(stdout).toContain('passed  3');
    expect(stdout).toContain(JSON.stringify(good));
    expect(stdout).toContain(`stored: ${address}`);
    expect([...forge.packages.values()]).toEqual([JSON.stringify(good)]);
    expect(forge.status()).toMatchObject({ state: 'success', description: '3 of 3 passed', target: address });
    expect(forge.requests.at(-1)).toMatch(/^POST .*statuses/);
  });

  it('accepts that the same results are stored already', async () => {
    await published();
    expect((await published()).success).toBe(true);
    expect(forge.status()?.state).toBe('success');
  });

  it('refuses when other results of the same run are stored already', async () => {
    await published();
    results({ ...good, total: 4, passed: 4 });
    const { success, log } = await published();
    expect(success).toBe(false);
    expect(log).toContain('another results file is already stored');
    expect(forge.status()?.state).toBe('failure');
  });

  it('reports failed tests with their number', async () => {
    results({ ...good, passed: 2, failed: 1 });
    outcome(`${commit} 7 1`);
    expect((await published()).success).toBe(false);
    expect(forge.status()).toMatchObject({ state: 'failure', description: '1 of 3 failed' });
    expect(forge.packages.size).toBe(1);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'there is no results file',
      () => rmSync(path.join(folder, 'inttest-results.json')),
      /inttest-results.json is missing/,
    ],
    ['the results are no JSON', () => results('{"total": 3'), /no JSON/],
    ['the results are about another commit', () => results({ ...good, commit: 'f'.repeat(40) }), /about commit "f+"/],
    [
      'a commit of digits was written as a number',
      () => results(`{"commit": ${commit}, "total": 1, "passed": 1, "failed": 0}`),
      /about commit 1\.23/,
    ],
    ['a count is missing', () => results({ commit, total: 3, passed: 3 }), /"failed" is missing/],
    ['a count is a text', () => results({ ...good, total: '3' }), /"total" is "3", not a count/],
    ['no test ran', () => results({ commit, total: 0, passed: 0, failed: 0 }), /no test ran/],
    ['the counts contradict each other', () => results({ ...good, total: 1 }), /contradict/],
    ['everything was skipped', () => results({ ...good, passed: 0 }), /none of 3 passed/],
    ['the pod was evicted', () => rmSync(path.join(folder, 'inttest-outcome.txt')), /did not end/],
    ['the exit code is not zero', () => outcome(`${commit} 7 2`), /exit code 2/],
    ['the exit code is of another run', () => outcome(`${commit} 6 0`), /another run/],
    ['the exit code is unreadable', () => outcome('0'), /cannot be read/],
    ['an image is not in the registry', () => forge.images.pop(), /no image of risk/],
  ])('is a failure with a clear reason if %s', async (_, arrange, reason) => {
    arrange();
    const { success, log } = await published();
    expect(success).toBe(false);
    expect(log).toMatch(reason);
    expect(forge.statuses.map(({ state }) => state)).toEqual(['failure']);
    expect(forge.status()?.description).toMatch(reason);
  });

  it('reads the counts where the settings say', async () => {
    const { results: format } = JSON.parse(
      samplePipeline({
        integrationTest: {
          image: 'x:1',
          results: { total: 'summary.all', passed: 'summary.ok', failed: 'summary.bad', commit: undefined },
        },
      }).files[0]?.content ?? '',
    ) as EvidenceConfiguration;
    configure({ results: format });
    results({ summary: { all: 2, ok: 2, bad: 0 } });
    expect((await published()).success).toBe(true);
    expect(forge.status()?.description).toBe('2 of 2 passed');
  });

  it('never says success with a token that is not valid', async () => {
    const { code, stdout, stderr } = await evidence('publish', { FORGE_TOKEN: 'wrong' });
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('HTTP 401 (the token is not valid: renew the secret)');
    expect(stdout + stderr).not.toContain('wrong');
    expect(forge.statuses).toEqual([]);
  });

  it('is a failure if the results cannot be stored', async () => {
    forge.disturbance = (request, response) => {
      if (request.method !== 'PUT') {
        return false;
      }
      response.writeHead(403).end();
      return true;
    };
    expect((await published()).success).toBe(false);
    expect(forge.status()).toMatchObject({ state: 'failure', target: 'https://ci.example/repos/1/pipeline/7' });
    expect(forge.status()?.description).toContain('HTTP 403');
  });

  it('tries again when the forge is overloaded', async () => {
    forge.disturbance = (request, response, count) => {
      if (request.method !== 'POST' || count > 4) {
        return false;
      }
      response.writeHead(503).end();
      return true;
    };
    expect((await published()).success).toBe(true);
    expect(forge.statuses.map(({ state }) => state)).toEqual(['success']);
  });

  it('gives up with an error when the forge does not answer in time', async () => {
    configure({ timeoutSeconds: 0.2 });
    forge.disturbance = (request) => request.url?.includes('statuses') === true;
    const { code, stderr } = await evidence('publish');
    expect(code).toBe(1);
    expect(stderr).toContain('no answer in time (2 attempts)');
    expect(forge.statuses).toEqual([]);
  });

  it('does not believe an answer that does not confirm the state', async () => {
    forge.disturbance = (request, response) => {
      if (request.method !== 'POST') {
        return false;
      }
      response.writeHead(201, { 'content-type': 'text/html' }).end('<html>log in</html>');
      return true;
    };
    await expect(published()).rejects.toThrow(/did not set the status/);
  });

  it('is a failure if the registry gives no clear answer', async () => {
    forge.disturbance = (request, response) => {
      if (request.method !== 'HEAD') {
        return false;
      }
      response.writeHead(401).end();
      return true;
    };
    expect((await published()).success).toBe(false);
    expect(forge.status()?.description).toContain('the registry did not say');
  });

  it('leaves no success behind when it is interrupted before its last request', async () => {
    await evidence('pending');
    const reached = new Promise<void>((resolve) => {
      forge.disturbance = (request) => {
        if (request.method === 'PUT') {
          resolve();
        }
        return request.method === 'PUT';
      };
    });
    const child = spawn('node', ['.pipelines/evidence.cjs', 'publish'], { cwd: folder, env: environment() });
    await reached;
    child.kill('SIGTERM');
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect(code === 0 && signal === null).toBe(false);
    expect(forge.statuses.map(({ state }) => state)).toEqual(['pending']);
  });

  it('speaks to GitHub in its own words and adds a summary', async () => {
    const seen: string[] = [];
    forge.disturbance = (request, response) => {
      if (request.method !== 'POST') {
        return false;
      }
      seen.push(String(request.headers.authorization));
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"state": "success"}');
      return true;
    };
    configure({ forge: { kind: 'github', api: `${forge.url}/api/v1` }, package: undefined, manifests: [] });
    const summary = path.join(folder, 'summary.md');
    expect((await evidence('publish', { GITHUB_STEP_SUMMARY: summary })).code).toBe(0);
    expect(seen).toEqual([`Bearer ${forge.token}`]);
    expect(readFileSync(summary, 'utf8')).toContain('| passed | 3 |');
  });

  it('records that every image is pushed: a status of its own, the tag for later steps, a line in the summary', async () => {
    configure({ builtContext: 'ci' });
    const [summary, outputs] = ['summary.md', 'outputs.txt'].map((file) => path.join(folder, file)) as [string, string];
    expect((await evidence('pending')).code).toBe(0);
    expect(forge.statuses.map(({ context, state }) => `${context} ${state}`)).toEqual([
      'ci pending',
      'integration-test pending',
    ]);
    expect((await evidence('built', { GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: outputs })).code).toBe(0);
    expect(forge.status('ci')).toMatchObject({ state: 'success' });
    expect(forge.status('integration-test')).toMatchObject({ state: 'pending' });
    expect(readFileSync(outputs, 'utf8')).toBe(`image_tag=${commit}\n`);
    expect(readFileSync(summary, 'utf8')).toContain(`Image tag: \`${commit}\``);
    configure({});
    expect((await evidence('built')).stderr).toContain('names no builtContext');
  });

  it('refuses to run without knowing what it is about', async () => {
    expect((await evidence('publish', { COMMIT_SHA: 'main' })).stderr).toContain('is no commit');
    expect((await evidence('publish', { REPOSITORY: '../x' })).stderr).toContain('is not OWNER/NAME');
    expect((await evidence('publish', { FORGE_TOKEN: '' })).stderr).toContain('FORGE_TOKEN is not set');
    expect((await evidence('other')).code).toBe(2);
    expect(forge.requests).toEqual([]);
  });
});
