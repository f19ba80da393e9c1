import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApplicationChart } from '../../../constructs/application-chart/index.ts';
import { ApplicationPipeline, type ApplicationPipelineProps } from '../../../constructs/application-pipeline/index.ts';
import { ApplicationRepository } from '../../../constructs/application-repository/index.ts';
import { type RenderedFile, SystemOutput } from '../../../constructs/core/index.ts';
import { openSandboxScript } from '../../../constructs/integration-test-access/index.ts';
import { WoodpeckerPipeline, woodpeckerRepository } from '../../../constructs/woodpecker-pipeline/index.ts';
import { tagPolicy } from '../../../model/tag-policy.ts';
import { stonksServices } from '../../../systems/stonks/application.ts';
import { output } from '../processes.ts';
import { context } from '../rendered.ts';

const sample = fileURLToPath(new URL('../../../examples/stonks-oracle', import.meta.url));

/** The pipeline plugin that the sample's images are built with. */
export const buildPlugin = 'docker.io/woodpeckerci/plugin-docker-buildx:6.1.1';

const forgeToken = { name: 'forge_token', purpose: 'sets statuses and stores packages' };

/** The pipeline of the sample application, with the names that Stonks Oracle uses. */
export function samplePipeline(change: Partial<ApplicationPipelineProps> = {}): ApplicationPipeline {
  return new ApplicationPipeline({
    name: 'stonks-oracle',
    services: stonksServices,
    tagPolicy: tagPolicy('commit-sha'),
    registry: { host: 'registry.celestium.life', path: 'stonks-oracle' },
    python: { image: 'docker.io/library/python:3.12.8-slim' },
    frontend: { image: 'docker.io/library/node:22.12.0-bookworm-slim' },
    integrationTest: {
      image: 'docker.io/alpine/k8s:1.34.1',
      serviceAccount: 'inttest-runner',
      sandbox: {
        script: openSandboxScript,
        prefix: 'stonks-inttest-',
        environment: {
          SANDBOX_LABEL: 'pipelines.celestium.life/sandbox=true',
          SANDBOX_ROLE: 'woodpecker-inttest-sandbox',
          SANDBOX_ACCOUNT: 'woodpecker-steps:inttest-runner',
        },
      },
    },
    evidence: {
      program: context.program('evidence'),
      image: 'docker.io/library/node:22.12.0-bookworm-slim',
      forge: { kind: 'gitea', api: 'http://10.1.1.12:30300/api/v1' },
      token: forgeToken,
      package: 'http://10.1.1.12:30300/api/packages/stonks/generic/inttest-results',
    },
    mirror: {
      image: 'docker.io/alpine/git:2.47.2',
      forge: 'http://10.1.1.12:30300',
      forgeToken,
      target: 'https://github.com/celesrenata/stonks-oracle.git',
      targetToken: { name: 'github_token', purpose: 'pushes the mirror' },
    },
    ...change,
  });
}

/** The sample's pipeline as a Woodpecker file. */
export function sampleWoodpecker(change: Partial<ApplicationPipelineProps> = {}): WoodpeckerPipeline {
  return new WoodpeckerPipeline({
    pipeline: samplePipeline(change).pipeline,
    buildPlugin,
    clonePlugin: 'docker.io/woodpeckerci/plugin-git:2.9.2',
  });
}

/** The chart values of Stonks Oracle. */
export function sampleChart(): ApplicationChart {
  return new ApplicationChart({
    folder: 'infra/helm/stonks-oracle',
    registry: 'registry.celestium.life/stonks-oracle',
    stages: [
      { file: 'values-beta.yaml', namespace: 'stonks-beta' },
      {
        file: 'values-paper.yaml',
        namespace: 'stonks-paper',
        broker: { mode: 'paper', provider: 'alpaca', credentials: 'alpaca-paper-credentials' },
      },
    ],
  });
}

/** Folders of one test; `remove` deletes them all. */
export class SampleFolders {
  readonly root = mkdtempSync(path.join(tmpdir(), 'sample-'));

  /** A committed working copy of the sample application. */
  async checkout(): Promise<string> {
    const folder = path.join(this.root, 'checkout');
    cpSync(await committedSample(), folder, { recursive: true });
    return folder;
  }

  /** What `npm run synth` writes for the application's repository: a folder like dist/. */
  rendered(): string {
    const dist = path.join(this.root, 'dist');
    for (const { path: file, content, executable } of renderedSample()) {
      const target = path.join(dist, 'stonks-oracle', file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, content, { mode: executable ? 0o755 : 0o644 });
    }
    return dist;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

let committed: Promise<string> | undefined;

/** Made once in a process and copied from then on. */
function committedSample(): Promise<string> {
  committed ??= (async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'committed-sample-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    cpSync(sample, folder, { recursive: true });
    await git(folder, 'init', '--quiet', '--initial-branch=main');
    await commitAll(folder, 'sample');
    return folder;
  })();
  return committed;
}

let files: readonly RenderedFile[] | undefined;

function renderedSample(): readonly RenderedFile[] {
  if (files === undefined) {
    const output = new SystemOutput('stonks-oracle');
    new ApplicationRepository(output, {
      application: samplePipeline(),
      chart: sampleChart(),
      pipelineFile: { path: '.woodpecker.yml', content: sampleWoodpecker().text },
      remove: ['.github/workflows'],
      refuse: woodpeckerRepository.refuse,
    });
    files = output.files();
  }
  return files;
}

/** Runs Git with a name and without the settings of this machine. */
export function git(folder: string, ...args: readonly string[]): Promise<string> {
  return output('git', ['-C', folder, ...args], { env: gitEnvironment });
}

/** Environment for Git that gives the same on every machine. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: tmpdir(),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Sample',
  GIT_AUTHOR_EMAIL: 'sample@example.org',
  GIT_COMMITTER_NAME: 'Sample',
  GIT_COMMITTER_EMAIL: 'sample@example.org',
};

/** Commits everything and returns the commit. */
export async function commitAll(folder: string, message: string): Promise<string> {
  await git(folder, 'add', '--all');
  await git(folder, 'commit', '--quiet', '--message', message);
  return (await git(folder, 'rev-parse', 'HEAD')).trim();
}
