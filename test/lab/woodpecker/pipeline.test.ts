import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WoodpeckerPipeline } from '../../../constructs/woodpecker-pipeline/index.ts';
import { Pipeline } from '../../../model/pipeline/pipeline.ts';
import { CommandStep } from '../../../model/pipeline/step.ts';
import { text, variable } from '../../../model/pipeline/text.ts';
import { Delivery, type StubName } from '../../support/application/delivery.ts';
import { buildPlugin, git, sampleWoodpecker } from '../../support/application/sample.ts';
import { type Finished, run } from '../../support/processes.ts';
import { labProgram } from '../lab.ts';

let delivery: Delivery;

beforeAll(async () => {
  delivery = await Delivery.start();
});

afterAll(() => delivery.stop());

const built = () => path.join(delivery.folders.root, 'built');

beforeEach(() => {
  delivery.forge.statuses.length = 0;
  delivery.forge.packages.clear();
  rmSync(built(), { force: true });
  // The registry has what the stand-in of the build plugin noted.
  delivery.forge.disturbance = (request, response) => {
    const image = /^\/v2\/stonks-oracle\/(.+)\/manifests\/(.+)$/.exec(request.url ?? '');
    if (image === null) {
      return false;
    }
    response.writeHead(images().includes(`${image[1]}:${image[2]}`) ? 200 : 404).end();
    return true;
  };
});

function images(): readonly string[] {
  if (!existsSync(built())) {
    return [];
  }
  return readFileSync(built(), 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [repository, tags = ''] = line.split(' ');
      return tags.split(',').map((tag) => `${repository?.split('/').at(-1)}:${tag}`);
    });
}

interface LabRun {
  readonly failing?: readonly StubName[];
  readonly event?: string;
  readonly commit?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Step that is taken away: Woodpecker takes it for a success, so here it does nothing and succeeds. */
  readonly evicted?: string;
}

/** The rendered file under the real engine; only the images are replaced, because nothing here can run containers. */
async function exec({ failing, event = 'push', commit, secrets, evicted }: LabRun = {}): Promise<Finished> {
  const prepared = await delivery.prepare(failing);
  const bin = prepared.environment.PATH?.split(':')[0] as string;
  const plugin = path.join(bin, 'build-plugin');
  writeFileSync(plugin, `#!/bin/sh\necho "$PLUGIN_REPO $PLUGIN_TAGS" >>'${built()}'\n`);
  chmodSync(plugin, 0o755);
  const file = path.join(prepared.workspace, 'lab.yml');
  writeFileSync(
    file,
    prepared.file
      .replaceAll(`image: ${buildPlugin}`, 'image: build-plugin')
      .replaceAll(/image: docker\.io\/(?!woodpeckerci).*/g, 'image: sh')
      .replace(new RegExp(`(- name: ${evicted}\\n[\\s\\S]*?commands:\\n)(\\s+- )`), '$1$2exit 0\n$2'),
  );
  const secretsFile = path.join(delivery.folders.root, 'secrets.yaml');
  writeFileSync(secretsFile, JSON.stringify({ ...prepared.secrets, ...secrets }));
  // The option for the repository's name is not read in 3.17; a file with metadata is.
  const metadata = path.join(delivery.folders.root, 'metadata.json');
  writeFileSync(
    metadata,
    JSON.stringify({
      repo: { owner: 'stonks', name: 'stonks-oracle', id: 1 },
      sys: { url: 'https://stonks-ci.celestium.life' },
    }),
  );
  return run(
    labProgram('woodpecker-cli'),
    [
      ['exec', '--backend-engine', 'local', '--repo-path', prepared.workspace, '--secrets-file', secretsFile],
      ['--metadata-file', metadata, '--commit-branch', 'main', '--commit-sha', commit ?? prepared.commit],
      ['--pipeline-event', event, '--pipeline-number', String(prepared.number), file],
    ].flat(),
    { cwd: prepared.workspace, env: prepared.environment },
  );
}

describe('the real woodpecker-cli', () => {
  it('finds nothing to say about the pipeline file, even strictly', async () => {
    const file = path.join(delivery.folders.root, '.woodpecker.yml');
    writeFileSync(file, sampleWoodpecker().text);
    const result = await run(labProgram('woodpecker-cli'), [
      'lint',
      '--strict',
      '--plugins-privileged',
      buildPlugin,
      file,
    ]);
    expect(`${result.stdout}${result.stderr}`).toContain('Config is valid');
    expect(result.code).toBe(0);
  });

  it('runs a push to main from the checks to the mirror', async () => {
    const result = await exec();
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(images()).toHaveLength(28);
    expect(images().slice(-2)).toEqual([`query-api:${delivery.commit}`, 'query-api:latest']);
    expect(delivery.forge.statuses.map(({ state }) => state)).toEqual(['pending', 'success']);
    expect((await git(delivery.target, 'for-each-ref', '--format=%(refname)')).trim()).toBe('refs/heads/main');
    expect(delivery.forge.unknown).toEqual([]);
  });

  it('builds nothing when lint fails', async () => {
    const result = await exec({ failing: ['ruff'] });
    expect(result.code).not.toBe(0);
    expect(images()).toEqual([]);
    expect(delivery.forge.status()?.state).toBe('failure');
  });

  it('reports a failing integration test', async () => {
    const result = await exec({ failing: ['curl'] });
    expect(result.code).not.toBe(0);
    expect(delivery.forge.status()).toMatchObject({ state: 'failure', description: '3 of 3 failed' });
  });

  it('is not fooled by an integration test that was taken away', async () => {
    const result = await exec({ evicted: 'integration-test' });
    expect(result.code).not.toBe(0);
    expect(delivery.forge.statuses.map(({ state }) => state)).toEqual(['pending', 'failure']);
  });

  it('succeeds although the mirror fails', async () => {
    await git(delivery.folders.root, 'clone', '--quiet', '--bare', delivery.target, 'kept.git');
    rmSync(delivery.target, { recursive: true });
    const result = await exec();
    await git(delivery.folders.root, 'clone', '--quiet', '--bare', 'kept.git', delivery.target);
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(`${result.stdout}${result.stderr}`).toContain('target.git');
    expect(delivery.forge.status()?.state).toBe('success');
  });

  it('only tests a pull request', async () => {
    delivery.forge.requests.length = 0;
    const result = await exec({ event: 'pull_request' });
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(delivery.calls().map((call) => call.split(' ')[0])).toEqual(
      expect.arrayContaining(['ruff', 'pytest', 'npx']),
    );
    expect(images()).toEqual([]);
    expect(delivery.forge.requests).toEqual([]);
  });

  it('hands fixed text to the shell as it was written', async () => {
    const { workspace, environment } = await delivery.prepare();
    const shell = new CommandStep('shell', {
      image: 'sh',
      commands: ['x=1; echo "a ${x} $x $$" | sed "s/[0-9]*$/pid/"', text`echo ${variable('commitSha')}`],
    });
    const file = path.join(workspace, 'lab.yml');
    const pipeline = new Pipeline('shell', { triggers: [{ on: 'push', branches: ['main'] }], steps: [shell] });
    writeFileSync(file, new WoodpeckerPipeline({ pipeline, buildPlugin, clonePlugin: 'x:1' }).text);
    const result = await run(
      labProgram('woodpecker-cli'),
      [
        ['exec', '--backend-engine', 'local', '--repo-path', workspace, '--pipeline-event', 'push'],
        ['--commit-branch', 'main', '--commit-sha', delivery.commit, file],
      ].flat(),
      { cwd: workspace, env: environment },
    );
    const log = result.stdout + result.stderr;
    expect(log).toContain('a 1 1 pid');
    expect(log).toContain(`] ${delivery.commit}`);
  });

  it('keeps a commit of digits a text', async () => {
    const commit = '1234567890123456789012345678901234567890';
    const result = await exec({ commit });
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(images()).toContain(`query-api:${commit}`);
    expect(delivery.forge.status()?.state).toBe('success');
  });
});
