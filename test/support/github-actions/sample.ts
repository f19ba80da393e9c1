import { GithubPipeline, type GithubPipelineProps, githubToken } from '../../../constructs/github-actions/index.ts';
import { Pipeline } from '../../../model/pipeline/pipeline.ts';
import {
  CommandStep,
  type CommandStepProps,
  ImageBuildStep,
  type ImageBuildStepProps,
  type Step,
  WorkspaceFile,
} from '../../../model/pipeline/step.ts';
import { text, variable } from '../../../model/pipeline/text.ts';
import type { Trigger } from '../../../model/pipeline/trigger.ts';
import { tagPolicy, tagRule } from '../../../model/tag-policy.ts';
import { samplePipeline } from '../application/sample.ts';

export const push: Trigger = { on: 'push', branches: ['main'] };

const token = { name: githubToken, purpose: 'the token of the run' };

/** A workflow of some steps. */
export function write(
  steps: readonly Step[],
  triggers: readonly Trigger[] = [push],
  props: Partial<GithubPipelineProps> = {},
): GithubPipeline {
  return new GithubPipeline({ pipeline: new Pipeline('p', { triggers, steps }), runsOn: 'ubuntu-24.04', ...props });
}

export function command(name: string, props: Partial<CommandStepProps> = {}): CommandStep {
  return new CommandStep(name, { image: 'docker.io/library/alpine:3.21', commands: ['true'], ...props });
}

export function build(name: string, props: Partial<ImageBuildStepProps> = {}): ImageBuildStep {
  return new ImageBuildStep(name, {
    registry: 'ghcr.io',
    repository: `ghcr.io/owner/${name}`,
    tags: tagRule(tagPolicy('commit-sha'), 'release-branch')?.tags ?? [],
    dockerfile: `${name}/Dockerfile`,
    login: { user: token, password: token },
    group: 'build',
    ...props,
  });
}

/** Stonks Oracle's pipeline as it would be on GitHub: the same model that Woodpecker's file is written from. */
export function sampleGithub(): GithubPipeline {
  const { pipeline } = samplePipeline({
    registry: { host: 'ghcr.io', path: 'celesrenata/stonks-oracle', login: { user: token, password: token } },
    integrationTest: { image: 'docker.io/alpine/k8s:1.34.1' },
    evidence: {
      program: '// evidence\n',
      image: 'docker.io/library/node:22.12.0-bookworm-slim',
      forge: { kind: 'github', api: 'https://api.github.com' },
      token,
      checkImages: false,
    },
    mirror: undefined,
    buildsAtATime: 13,
  });
  return new GithubPipeline({
    pipeline,
    runsOn: 'self-hosted-gremlin',
    permissions: { 'evidence-pending': { statuses: 'write' }, evidence: { statuses: 'write' } },
  });
}

/** Every feature that the renderer supports, in one workflow. */
export function everything(): GithubPipeline {
  const triggers: readonly Trigger[] = [
    { on: 'push', branches: ['**'], exceptBranches: ['manifests'] },
    { on: 'pull-request', targets: ['main'] },
    { on: 'tag', tags: ['v*.*.*'] },
    { on: 'manual', branches: ['main'] },
    { on: 'schedule', cron: '17 3 * * *' },
  ];
  const report = new WorkspaceFile('reports/all.json');
  const policy = tagPolicy('branch-sha');
  const first = command('first', {
    commands: [text`echo "${variable('branch')} ${variable('commitSha')}"`, 'echo "answer=42" >> "$GITHUB_OUTPUT"'],
    produces: [report],
    artifacts: [{ name: 'report', path: 'reports/all.json' }],
    services: [
      { name: 'database', image: 'docker.io/library/postgres:16.6', environment: { POSTGRES_DB: 'x' }, ports: [5432] },
    ],
    timeoutMinutes: 5,
  });
  const second = command('second', {
    environment: { ANSWER: first.output('answer'), TAG: variable('gitTag') },
    consumes: [{ file: report, from: first }],
    mayFail: true,
  });
  const versions = build('versions', {
    group: undefined,
    needs: [first],
    when: [{ on: 'tag', tags: ['v*.*.*'] }],
    tags: [[{ part: 'version' }], [{ part: 'minorVersion' }]],
    platforms: ['linux/amd64', 'linux/arm64'],
    buildArguments: { REVISION: variable('commitSha') },
    cache: 'ghcr.io/owner/versions:cache',
  });
  const branches = ['one', 'two'].map((name) =>
    build(name, {
      needs: [first],
      when: [{ on: 'push', branches: ['main'] }],
      tags: tagRule(policy, 'release-branch')?.tags ?? [],
    }),
  );
  const dry = build('dry', { group: undefined, push: false, when: [{ on: 'pull-request', targets: ['main'] }] });
  const always = command('always', { needs: [second], runsOn: 'always' });
  const failed = command('failed', { needs: branches, when: [{ on: 'push', branches: ['main'] }], runsOn: 'failure' });
  return new GithubPipeline({
    pipeline: new Pipeline('everything', {
      triggers,
      steps: [first, second, versions, ...branches, dry, always, failed],
      whenRunning: 'cancel',
    }),
    runsOn: 'ubuntu-24.04',
  });
}
