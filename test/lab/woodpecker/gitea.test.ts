import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvidenceConfiguration } from '../../../model/evidence.ts';
import { announce, type EvidenceInput, publish } from '../../../runtime/evidence/evidence.ts';
import { commitAll, git, gitEnvironment, samplePipeline } from '../../support/application/sample.ts';
import { type Finished, run } from '../../support/processes.ts';
import { type Gitea, startGitea } from '../kargo/gitea.ts';

const script = fileURLToPath(new URL('../../../constructs/application-pipeline/mirror.sh', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'gitea-lab-'));
const work = path.join(folder, 'work');

let gitea: Gitea;
let commit: string;

beforeAll(async () => {
  gitea = await startGitea();
  await git(
    folder,
    'clone',
    '--quiet',
    `${gitea.url.replace('://', `://ci:${gitea.token('ci')}@`)}/apps/shop.git`,
    'work',
  );
  writeFileSync(path.join(work, 'file.txt'), 'first');
  commit = await commitAll(work, 'first');
  await git(work, 'push', '--quiet', 'origin', 'HEAD:main', 'HEAD:refs/tags/v1', 'HEAD:refs/heads/feature/x');
});

afterAll(async () => {
  await gitea.stop();
  rmSync(folder, { recursive: true });
});

function input(packageOwner: string, token = gitea.token('ci')): EvidenceInput {
  const rendered = samplePipeline().files.find((file) => file.path === '.pipelines/evidence.json');
  return {
    configuration: {
      ...(JSON.parse(rendered?.content ?? '') as EvidenceConfiguration),
      forge: { kind: 'gitea', api: `${gitea.url}/api/v1` },
      package: `${gitea.url}/api/packages/${packageOwner}/generic/inttest-results`,
      manifests: [],
      attempts: 1,
    },
    folder: work,
    commit,
    repository: 'apps/shop',
    runNumber: '7',
    runUrl: 'https://ci.example/repos/1/pipeline/7',
    token,
    print: () => undefined,
  };
}

interface Statuses {
  readonly statuses: readonly {
    readonly context: string;
    readonly status: string;
    readonly description: string;
    readonly target_url: string;
    readonly creator: { readonly login: string };
  }[];
}

const statuses = async () =>
  (await gitea.api<Statuses>('apps', 'GET', `/repos/apps/shop/commits/${commit}/status`)).statuses;

function results(document: unknown, exitCode: number): void {
  writeFileSync(path.join(work, 'inttest-results.json'), JSON.stringify(document));
  writeFileSync(path.join(work, 'inttest-outcome.txt'), `${commit} 7 ${exitCode}\n`);
}

describe('evidence in a real Gitea', () => {
  it('goes from pending to success, as the CI user, with the stored results behind the link', async () => {
    await announce(input('ci'));
    expect(await statuses()).toMatchObject([{ context: 'integration-test', status: 'pending' }]);
    const document = { commit, total: 3, passed: 3, failed: 0 };
    results(document, 0);
    expect(await publish(input('ci'))).toBe(true);
    const [status] = await statuses();
    expect(status).toMatchObject({ status: 'success', description: '3 of 3 passed', creator: { login: 'ci' } });
    const stored = await fetch(status?.target_url ?? '', { headers: { authorization: `token ${gitea.token('ci')}` } });
    expect(await stored.json()).toEqual(document);
  });

  it('accepts the same results twice and refuses others in their place', async () => {
    expect(await publish(input('ci'))).toBe(true);
    results({ commit, total: 4, passed: 4, failed: 0 }, 0);
    expect(await publish(input('ci'))).toBe(false);
    const [status] = await statuses();
    expect(status).toMatchObject({ status: 'failure', description: expect.stringContaining('another results file') });
  });

  it('is no success for a token that is not valid', async () => {
    await expect(publish(input('ci', 'not-a-token'))).rejects.toThrow('HTTP 401');
  });

  it('is a failure if the user may not write packages of that owner', async () => {
    results({ commit, total: 3, passed: 3, failed: 0 }, 0);
    expect(await publish(input('apps'))).toBe(false);
    const [status] = await statuses();
    expect(status?.description).toMatch(/did not store the results: HTTP 40[13]/);
  });
});

describe('mirror of a real Gitea', () => {
  const target = path.join(folder, 'target.git');
  const mirror = (): Promise<Finished> =>
    run('sh', [script], {
      env: {
        ...gitEnvironment,
        SOURCE_URL: `${gitea.url}/apps/shop.git`,
        TARGET_URL: target,
        SOURCE_TOKEN: gitea.token('ci'),
        TARGET_TOKEN: 'x',
      },
    });

  it('copies branches and tags, keeps its record in Gitea, and prunes by it', async () => {
    await git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', target);
    const first = await mirror();
    expect(first.code, first.stderr).toBe(0);
    const refs = async () => (await git(target, 'for-each-ref', '--format=%(refname)')).trim().split('\n');
    expect(await refs()).toEqual(['refs/heads/feature/x', 'refs/heads/main', 'refs/tags/v1']);
    expect(await git(work, 'ls-remote', 'origin', 'refs/mirrored/*')).toContain('refs/mirrored/heads/feature/x');
    await git(work, 'push', '--quiet', 'origin', ':refs/heads/feature/x');
    expect((await mirror()).code).toBe(0);
    expect(await refs()).toEqual(['refs/heads/main', 'refs/tags/v1']);
  });
});
