import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Migration } from '../../../model/migration.ts';
import { applyChanges, diffOf } from '../../../tools/app/apply.ts';
import { missingFiles } from '../../../tools/app/check.ts';
import { type Change, NotRecognisedError, planMigration } from '../../../tools/app/plan.ts';
import { Checkout } from '../../../tools/app/repository.ts';
import { buildTool } from '../../../tools/build.mjs';
import { commitAll, git, SampleFolders } from '../../support/application/sample.ts';
import { type Finished, run } from '../../support/processes.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const chart = 'infra/helm/stonks-oracle';

let folders: SampleFolders;
let repository: string;
let dist: string;
let migration: Migration;

beforeEach(async () => {
  folders = new SampleFolders();
  repository = await folders.checkout();
  dist = folders.rendered();
  migration = JSON.parse(readFileSync(path.join(dist, 'stonks-oracle/migration.json'), 'utf8'));
});

afterEach(() => folders.remove());

function plan(): readonly Change[] {
  return planMigration(new Checkout(repository), migration, path.join(dist, 'stonks-oracle'));
}

function problems(): readonly string[] {
  try {
    plan();
  } catch (error) {
    if (error instanceof NotRecognisedError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

function read(file: string): string {
  return readFileSync(path.join(repository, file), 'utf8');
}

function write(file: string, text: string): void {
  writeFileSync(path.join(repository, file), text);
}

function replace(file: string, from: string, to: string): void {
  expect(read(file)).toContain(from);
  write(file, read(file).replace(from, to));
}

describe('migration of an application', () => {
  it('brings the pipeline, removes what it replaces and leaves everything else alone', async () => {
    applyChanges(new Checkout(repository), plan());
    const status = (await git(repository, 'status', '--porcelain', '--untracked-files=all')).trimEnd().split('\n');
    expect(status.sort()).toEqual([
      ` D .github/workflows/ci.yml`,
      ` D ${chart}/templates/ghcr-secret.yaml`,
      ` M ${chart}/templates/services.yaml`,
      ` M ${chart}/values-beta.yaml`,
      ` M ${chart}/values.yaml`,
      '?? .pipelines/evidence.cjs',
      '?? .pipelines/evidence.json',
      '?? .pipelines/mirror.sh',
      '?? .pipelines/open-sandbox.sh',
      '?? .woodpecker.yml',
      `?? ${chart}/values-paper.yaml`,
    ]);
    expect(statSync(path.join(repository, '.pipelines/mirror.sh')).mode & 0o111).not.toBe(0);
  });

  it('changes the values in their place and keeps comments, order and spelling', async () => {
    applyChanges(new Checkout(repository), plan());
    const changed = (await git(repository, 'diff', '--unified=0', '--', `${chart}/values.yaml`))
      .split('\n')
      .filter((line) => /^[+-](?![+-]{2} )/.test(line));
    expect(changed).toEqual([
      '-  registry: ghcr.io/celesrenata/stonks-oracle # all services, by name',
      '+  registry: registry.celestium.life/stonks-oracle # all services, by name',
      '-# Credentials for ghcr.io: the chart makes the pull secret of them.',
      '-ghcrAuth:',
      '-  enabled: true',
      '-  username: celesrenata',
      "-  # The token comes from the operator's environment.",
      '-  token: ""',
      '-',
      '-imagePullSecrets:',
      '-  - name: ghcr-credentials',
      '+imagePullSecrets: []',
    ]);
  });

  it('gives paper its broker and leaves the image tag to promotions', () => {
    applyChanges(new Checkout(repository), plan());
    expect(read(`${chart}/values-paper.yaml`)).toBe(
      [
        'image:',
        '  registry: registry.celestium.life/stonks-oracle',
        '',
        'config:',
        '  BROKER_MODE: paper',
        '  BROKER_PROVIDER: alpaca',
        '',
        'broker:',
        '  credentialsSecret: alpaca-paper-credentials',
        '',
      ].join('\n'),
    );
    expect(read(`${chart}/values-beta.yaml`)).toContain('registry: registry.celestium.life/stonks-oracle\nconfig:');
  });

  it('takes the pull secret out of the templates, with its condition', () => {
    applyChanges(new Checkout(repository), plan());
    const template = read(`${chart}/templates/services.yaml`);
    expect(template).not.toMatch(/imagePullSecrets|ghcr/);
    expect(template).toContain('    spec:\n      securityContext:');
  });

  it('finds nothing to do the second time, committed or not', async () => {
    applyChanges(new Checkout(repository), plan());
    expect(plan()).toEqual([]);
    await commitAll(repository, 'migrated');
    expect(plan()).toEqual([]);
  });

  it('shows a diff that Git can apply', async () => {
    const diff = diffOf(plan());
    writeFileSync(path.join(folders.root, 'migration.diff'), diff);
    await git(repository, 'apply', path.join(folders.root, 'migration.diff'));
    expect(plan()).toEqual([]);
  });

  it('refuses a chart that it does not recognise', () => {
    replace(`${chart}/values.yaml`, '  registry:', '  repository:');
    expect(problems()).toEqual([expect.stringContaining('values.yaml has no image.registry')]);
  });

  it('refuses a folder without a chart and another pipeline that would win', async () => {
    await git(repository, 'mv', chart, 'infra/helm/other');
    await git(repository, 'mv', '.github/workflows', '.woodpecker');
    expect(problems()).toEqual([
      expect.stringContaining('.woodpecker is there'),
      expect.stringContaining(`${chart} is no Helm chart`),
    ]);
  });

  it('refuses when something would still need what goes, and changes nothing', async () => {
    replace(`${chart}/templates/config.yaml`, 'data:', 'data:\n  USER: {{ .Values.ghcrAuth.username }}');
    write(`${chart}/values-extra.yaml`, 'sidecar: ghcr.io/other/image:1\n');
    expect(problems()).toEqual([
      expect.stringMatching(/templates\/config.yaml:4 still mentions ghcrAuth/),
      expect.stringMatching(/values-extra.yaml:1 still mentions ghcr.io/),
    ]);
  });

  it('refuses a condition with an else, because it cannot know which part stays', () => {
    replace(
      `${chart}/templates/services.yaml`,
      '        {{- toYaml $.Values.imagePullSecrets | nindent 8 }}\n',
      '        {{- toYaml $.Values.imagePullSecrets | nindent 8 }}\n      {{- else }}\n      hostNetwork: false\n',
    );
    expect(problems()).toEqual([expect.stringContaining('has an "else"')]);
  });

  it('removes a pull secret that templates name outright', () => {
    replace(
      `${chart}/templates/services.yaml`,
      '        {{- toYaml $.Values.imagePullSecrets | nindent 8 }}\n',
      '        - name: ghcr-credentials\n',
    );
    replace(`${chart}/templates/services.yaml`, '      {{- if $.Values.ghcrAuth.enabled }}\n', '');
    replace(
      `${chart}/templates/services.yaml`,
      '        - name: ghcr-credentials\n      {{- end }}\n',
      '        - name: ghcr-credentials\n',
    );
    applyChanges(new Checkout(repository), plan());
    expect(read(`${chart}/templates/services.yaml`)).not.toMatch(/imagePullSecrets|ghcr/);
  });
});

describe('check of an application', () => {
  it('finds everything that the pipeline names in the sample', () => {
    expect(migration.expects).toContain('docker/Dockerfile.trading-engine');
    expect(migration.expects.filter((file) => /Dockerfile/.test(file))).toHaveLength(14);
    expect(missingFiles(new Checkout(repository), migration)).toEqual([]);
  });

  it('names each missing file and folder', async () => {
    await git(repository, 'rm', '-rq', 'docker/Dockerfile.risk', 'tests', 'frontend/package-lock.json');
    expect(missingFiles(new Checkout(repository), migration)).toEqual([
      expect.stringContaining('docker/Dockerfile.risk is missing'),
      expect.stringContaining('tests/ is missing'),
      expect.stringContaining('frontend/package-lock.json is missing'),
    ]);
  });
});

describe('npm run app', () => {
  let tool: string;
  const app = (...args: readonly string[]): Promise<Finished> =>
    run('node', [tool, ...args, '--repo', repository, '--dist', dist], { cwd: root });

  it('shows, refuses a dirty tree, writes, and then has nothing to do', async () => {
    tool = await buildTool('tools/app/main.ts');
    const shown = await app('migrate');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('+  registry: registry.celestium.life/stonks-oracle');
    expect((await git(repository, 'status', '--porcelain')).trim()).toBe('');

    write('notes.txt', 'not committed');
    const refused = await app('migrate', '--write');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('notes.txt');
    expect(read(`${chart}/values.yaml`)).toContain('ghcrAuth');

    await commitAll(repository, 'notes');
    expect((await app('migrate', '--write')).stdout).toContain('removed .github/workflows/ci.yml');
    expect((await app('migrate', '--write')).stdout).toContain('Nothing to do');
    expect((await app('check')).stdout).toContain('are there');
  });

  it('says what is wrong with its arguments', async () => {
    tool = await buildTool('tools/app/main.ts');
    const missing = await run('node', [tool, 'check', '--repo', folders.root, '--dist', dist], { cwd: root });
    expect(missing.stderr).toContain('is not the root of a Git working copy');
    expect((await app('migrate', '--system', 'other')).stderr).toContain('is "other" a system');
  });
});
