import { Ajv } from 'ajv';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { type WoodpeckerFile, WoodpeckerPipeline } from '../../../constructs/woodpecker-pipeline/index.ts';
import { Pipeline } from '../../../model/pipeline/pipeline.ts';
import { CommandStep, type CommandStepProps, ImageBuildStep, type Step } from '../../../model/pipeline/step.ts';
import { text, variable } from '../../../model/pipeline/text.ts';
import type { Trigger } from '../../../model/pipeline/trigger.ts';
import { tagPolicy, tagRule } from '../../../model/tag-policy.ts';
import { stonksServices } from '../../../systems/stonks/application.ts';
import { buildPlugin, sampleWoodpecker } from '../../support/application/sample.ts';
import { substitute } from '../../support/application/woodpecker-runner.ts';
import { woodpeckerFileSchema } from './file-schema.ts';

const push: Trigger = { on: 'push', branches: ['main'] };
const validate = new Ajv({ allErrors: true, strict: false }).compile(woodpeckerFileSchema);

function write(steps: readonly Step[], triggers: readonly Trigger[] = [push]): WoodpeckerPipeline {
  return new WoodpeckerPipeline({
    pipeline: new Pipeline('p', { triggers, steps }),
    buildPlugin,
    clonePlugin: 'docker.io/woodpeckerci/plugin-git:2.9.2',
  });
}

function command(name: string, props: Partial<CommandStepProps> = {}): CommandStep {
  return new CommandStep(name, { image: 'docker.io/library/alpine:3.21', commands: ['true'], ...props });
}

/** The file as the server reads it for a commit. */
function readBy(commit: string, file: string): WoodpeckerFile {
  return load(
    substitute(file, { CI_COMMIT_SHA: commit, CI_COMMIT_PULL_REQUEST: '12', CI_PIPELINE_EVENT: 'push' }),
  ) as WoodpeckerFile;
}

describe('the pipeline file of Stonks Oracle', () => {
  const { text: file, file: data } = sampleWoodpecker();
  const step = (name: string) => data.steps.find((candidate) => candidate.name === name);

  it('is valid for Woodpecker', () => {
    validate(load(file));
    expect(validate.errors ?? []).toEqual([]);
  });

  it('says as text what it says as data', () => {
    expect(load(file)).toEqual(data);
  });

  it('runs on pushes to main and on pull requests', () => {
    expect(data.when).toEqual([{ event: 'push', branch: 'main' }, { event: 'pull_request' }]);
  });

  it('lints, tests Python and tests the frontend side by side', () => {
    expect(step('lint')?.commands).toContain('ruff check services/');
    expect(step('pytest')?.commands).toContain('pytest tests/');
    expect(step('vitest')).toMatchObject({
      directory: 'frontend',
      commands: ['npm ci --no-audit --no-fund', 'npx vitest run'],
    });
    for (const name of ['lint', 'pytest', 'vitest']) {
      expect(step(name)).toMatchObject({ depends_on: [] });
      expect(step(name)?.when).toBeUndefined();
    }
  });

  it('builds the 14 images with the plugin, on pushes to main only, with commit and latest as tags', () => {
    const builds = data.steps.filter(({ image }) => image === buildPlugin);
    expect(builds.map(({ settings }) => settings?.repo).sort()).toEqual(
      stonksServices.services.map(({ name }) => `registry.celestium.life/stonks-oracle/${name}`).sort(),
    );
    expect(builds).toHaveLength(14);
    for (const build of builds) {
      expect(build.when).toEqual([{ event: 'push', branch: 'main' }]);
      expect(build.settings?.tags).toEqual(['${CI_COMMIT_SHA}', 'latest']);
      expect(build.environment).toBeUndefined();
      expect(build.commands).toBeUndefined();
    }
    expect(step('build-dashboard')?.settings).toMatchObject({ dockerfile: 'frontend/Dockerfile' });
    expect(step('build-superset')?.settings).toMatchObject({ dockerfile: 'docker/Dockerfile.superset' });
  });

  it('builds at most three images at a time, after all tests, and query-api last', () => {
    const level = new Map<string, number>();
    for (const { name, depends_on } of data.steps) {
      level.set(name, Math.max(-1, ...(depends_on ?? []).map((needed) => level.get(needed) ?? Number.NaN)) + 1);
    }
    const perLevel = new Map<number, string[]>();
    for (const { name } of data.steps.filter(({ image }) => image === buildPlugin)) {
      const own = level.get(name) ?? -1;
      perLevel.set(own, [...(perLevel.get(own) ?? []), name]);
    }
    expect(Math.max(...[...perLevel.values()].map((names) => names.length))).toBe(3);
    expect(perLevel.get(Math.max(...perLevel.keys()))).toEqual(['build-query-api']);
    expect(Math.min(...perLevel.keys())).toBe(1);
  });

  it('tests the whole with the commit as image tag, under an account of its own', () => {
    expect(step('integration-test')?.commands).toContain(
      'bash infra/inttest/run_pipeline.sh --image-tag ${CI_COMMIT_SHA}',
    );
    expect(step('integration-test')?.backend_options?.kubernetes.serviceAccountName).toBe('inttest-runner');
    expect(step('integration-test')?.depends_on).toHaveLength(14);
    expect(data.steps.filter(({ backend_options }) => backend_options?.kubernetes.serviceAccountName)).toHaveLength(1);
  });

  it('judges the results also after a failure, and mirrors last, only after success, and without failing the run', () => {
    expect(step('evidence')?.when).toEqual([{ event: 'push', branch: 'main', status: ['success', 'failure'] }]);
    expect(data.steps.at(-1)).toMatchObject({
      name: 'mirror',
      depends_on: ['evidence'],
      failure: 'ignore',
      when: [{ event: 'push', branch: 'main' }],
    });
  });

  it('takes every credential from a secret and gives none to pull requests', () => {
    const withSecrets = data.steps.filter((candidate) => JSON.stringify(candidate).includes('from_secret'));
    expect(withSecrets.map(({ name }) => name)).toEqual(['evidence-pending', 'evidence', 'mirror']);
    for (const { when } of withSecrets) {
      expect(when?.map(({ event }) => event)).toEqual(['push']);
    }
  });

  it('lets later pushes wait instead of cancelling or overtaking', () => {
    expect(data.concurrency).toEqual({ limit: 1, group: '${CI_PIPELINE_EVENT}-${CI_COMMIT_PULL_REQUEST}' });
  });

  it('names no other registry for its images and no foreign syntax', () => {
    expect(file).not.toMatch(/ghcr\.io|uses:/);
  });

  it('keeps every tag a text, whatever the commit looks like', () => {
    const treacherous = fc.oneof(
      fc.stringMatching(/^[0-9]{40}$/),
      fc.stringMatching(/^0{10}[0-9]{30}$/),
      fc.stringMatching(/^[0-9]{38}e[0-9]$/),
      fc.stringMatching(/^[0-9a-f]{40}$/),
    );
    fc.assert(
      fc.property(treacherous, (commit) => {
        const read = readBy(commit, file);
        for (const { settings, environment, commands } of read.steps) {
          expect(settings === undefined || JSON.stringify(settings.tags) === JSON.stringify([commit, 'latest'])).toBe(
            true,
          );
          expect(Object.values(environment ?? {}).filter((value) => typeof value === 'number')).toEqual([]);
          expect(commands?.every((line) => typeof line === 'string') ?? true).toBe(true);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('logs in with secrets, mounts the private authority and passes build settings where they are set', () => {
    const secret = (name: string) => ({ name, purpose: '' });
    const { file: other } = sampleWoodpecker({
      registry: {
        host: 'registry.celestium.life',
        path: 'stonks-oracle',
        login: { user: secret('registry_username'), password: secret('registry_password') },
        certificate: { secret: 'celestium-ca', key: 'ca.crt' },
      },
    });
    const build = other.steps.find(({ name }) => name === 'build-risk');
    expect(build?.settings).toMatchObject({
      username: { from_secret: 'registry_username' },
      password: { from_secret: 'registry_password' },
      cache_images: ['registry.celestium.life/stonks-oracle/risk:buildcache'],
    });
    expect(build?.backend_options?.kubernetes.secrets).toEqual([
      { name: 'celestium-ca', key: 'ca.crt', target: { file: '/etc/docker/certs.d/registry.celestium.life/ca.crt' } },
    ]);
    validate(other);
    expect(validate.errors ?? []).toEqual([]);
  });
});

describe('writing a pipeline for Woodpecker', () => {
  it('leaves the shell its own variables and escapes what the server would replace', () => {
    const { file, text: written } = write([command('a', { commands: ['echo "$HOME ${HOME} $? $$"'] })]);
    expect(file.steps[0]?.commands).toEqual(['echo "$HOME $${HOME} $? $$$"']);
    expect(readBy('a'.repeat(40), written).steps[0]?.commands).toEqual(['echo "$HOME ${HOME} $? $$"']);
  });

  it('leaves names that people choose to the shell', () => {
    const { file } = write([command('a', { commands: [text`echo "${variable('branch')}" ${variable('runNumber')}`] })]);
    expect(file.steps[0]?.commands).toEqual(['echo "$CI_COMMIT_BRANCH" ${CI_PIPELINE_NUMBER}']);
    expect(() => write([command('a', { environment: { BRANCH: variable('branch') } })])).toThrow(
      /variable BRANCH of step "a": branch is chosen by people/,
    );
  });

  it('writes conditions for every kind of event', () => {
    const triggers: readonly Trigger[] = [
      { on: 'push', branches: ['**'], exceptBranches: ['manifests'] },
      { on: 'pull-request', targets: ['main', 'develop'] },
      { on: 'tag', tags: ['v*'] },
      { on: 'manual', branches: ['main'] },
    ];
    expect(write([command('a')], triggers).file.when).toEqual([
      { event: 'push', branch: { include: ['**'], exclude: ['manifests'] } },
      { event: 'pull_request', branch: ['main', 'develop'] },
      { event: 'tag', ref: 'refs/tags/v*' },
      { event: 'manual', branch: 'main' },
    ]);
    expect(write([command('a', { runsOn: 'failure' })], triggers).file.steps[0]?.when).toHaveLength(4);
  });

  it('runs services beside the workflow, each once', () => {
    const service = { name: 'nats', image: 'docker.io/library/nats:2.10.24', ports: [4222] };
    const { file, text: written } = write([
      command('a', { services: [service] }),
      command('b', { services: [service] }),
    ]);
    expect(file.services).toEqual([service]);
    validate(load(written));
    expect(validate.errors ?? []).toEqual([]);
    expect(() =>
      write([command('a', { services: [service] }), command('b', { services: [{ ...service, ports: [1] }] })]),
    ).toThrow(/two different services are called "nats"/);
  });

  it('refuses by name what Woodpecker has no way to do', () => {
    const first = command('first');
    const steps = [
      first,
      command('second', { environment: { TAG: first.output('tag') }, timeoutMinutes: 5 }),
      command('third', { artifacts: [{ name: 'results', path: 'results.json' }] }),
    ];
    expect(() => write(steps, [push, { on: 'schedule', cron: '0 4 * * *' }])).toThrow(
      'Woodpecker cannot express in pipeline "p": schedule trigger, time limit of a step (step "second"), ' +
        'step output (step "second"), artifact (step "third")',
    );
  });

  it('spells short tags and pull requests, and refuses branches and versions in tags', () => {
    const build = (tags: ImageBuildStep['tags']) =>
      new ImageBuildStep('build', { registry: 'r.example', repository: 'r.example/a', dockerfile: 'Dockerfile', tags });
    const policy = tagPolicy('short-sha');
    expect(write([build(tagRule(policy, 'release-branch')?.tags ?? [])]).file.steps[0]?.settings?.tags).toEqual([
      '${CI_COMMIT_SHA:0:7}',
      'latest',
    ]);
    expect(write([build(tagRule(policy, 'pull-request')?.tags ?? [])]).file.steps[0]?.settings?.tags).toEqual([
      'pr-${CI_COMMIT_PULL_REQUEST}-${CI_COMMIT_SHA:0:7}',
    ]);
    expect(() => write([build(tagRule(policy, 'tag')?.tags ?? [])])).toThrow(
      /version in an image tag \(step "build"\)/,
    );
    expect(() => write([build(tagRule(tagPolicy('branch-sha'), 'other-branch')?.tags ?? [])])).toThrow(
      /branch in an image tag/,
    );
  });
});
