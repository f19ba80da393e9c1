import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Job, WorkflowStep } from '../../../constructs/github-actions/index.ts';
import { stonksServices } from '../../../systems/stonks/application.ts';
import { build, command, everything, push, sampleGithub, write } from '../../support/github-actions/sample.ts';

const uses = (job: Job | undefined, action: string): Extract<WorkflowStep, { uses: string }> | undefined =>
  job?.steps.find(
    (step): step is Extract<WorkflowStep, { uses: string }> => 'uses' in step && step.uses.startsWith(`${action}@`),
  );

describe('the pipeline of Stonks Oracle as a GitHub workflow', () => {
  const { text, workflow } = sampleGithub();
  const { jobs } = workflow;

  it('says as text what it says as data', () => {
    expect(load(text)).toEqual(workflow);
  });

  it('has the key "on" for readers of YAML 1.1 too', () => {
    expect(parse(text, { version: '1.1' })).toHaveProperty('on');
  });

  it('runs every job on the runners that it is given', () => {
    expect(new Set(Object.values(jobs).map((job) => job['runs-on']))).toEqual(new Set(['self-hosted-gremlin']));
  });

  it('builds the 14 images after all checks, on pushes to main only, with the watched one last and alone', () => {
    const { build: others, 'build-query-api': watched } = jobs;
    const names = others?.strategy?.matrix.include.map(({ repository }) => repository?.split('/').at(-1));
    expect([...(names ?? []), 'query-api'].sort()).toEqual(stonksServices.services.map(({ name }) => name).sort());
    expect(others?.needs).toEqual(['lint', 'pytest', 'vitest', 'evidence-pending']);
    expect(watched?.needs).toEqual(['build']);
    for (const job of [others, watched]) {
      expect(job?.if).toBe("github.event_name == 'push' && github.ref == 'refs/heads/main'");
    }
  });

  it('tags each image with the whole commit and latest', () => {
    expect(uses(jobs['build'], 'docker/build-push-action')?.with?.['tags']).toBe(
      '${{ matrix.repository }}:${{ github.sha }}\n${{ matrix.repository }}:latest',
    );
    expect(uses(jobs['build-query-api'], 'docker/build-push-action')?.with?.['tags']).toBe(
      'ghcr.io/celesrenata/stonks-oracle/query-api:${{ github.sha }}\nghcr.io/celesrenata/stonks-oracle/query-api:latest',
    );
  });

  it('logs in with the token of the run, and gives each job the rights that it needs and no more', () => {
    expect(uses(jobs['build'], 'docker/login-action')?.with).toEqual({
      registry: 'ghcr.io',
      username: '${{ github.actor }}',
      password: '${{ secrets.GITHUB_TOKEN }}',
    });
    expect(workflow.permissions).toEqual({});
    expect(jobs['lint']?.permissions).toEqual({ contents: 'read' });
    expect(jobs['build']?.permissions).toEqual({ contents: 'read', packages: 'write' });
    expect(jobs['evidence']?.permissions).toEqual({ contents: 'read', statuses: 'write' });
  });

  it('hands the results of the test to the evidence, which runs also after a failure and keeps them', () => {
    expect(uses(jobs['integration-test'], 'actions/upload-artifact')).toMatchObject({
      if: 'always()',
      with: { name: 'files-of-integration-test', path: 'inttest-results.json\ninttest-outcome.txt' },
    });
    expect(uses(jobs['evidence'], 'actions/download-artifact')).toMatchObject({
      'continue-on-error': true,
      with: { name: 'files-of-integration-test', path: '.' },
    });
    expect(jobs['evidence']?.if).toBe("!cancelled() && github.event_name == 'push' && github.ref == 'refs/heads/main'");
    expect(uses(jobs['evidence'], 'actions/upload-artifact')?.with).toMatchObject({ name: 'inttest-results' });
  });

  it('waits for an earlier run of the branch and never cancels it', () => {
    expect(workflow.concurrency).toEqual({
      group: '${{ github.workflow }}-${{ github.ref }}',
      'cancel-in-progress': false,
    });
  });
});

describe('a workflow with every feature', () => {
  const { workflow, text } = everything();

  it('excludes branches in the list of patterns, after those that it includes', () => {
    expect(workflow.on).toEqual({
      push: { branches: ['**', '!manifests'], tags: ['v*.*.*'] },
      pull_request: { branches: ['main'] },
      workflow_dispatch: {},
      schedule: [{ cron: '17 3 * * *' }],
    });
  });

  it('pins every action to a commit and says which release that is', () => {
    const used = text.split('\n').filter((line) => line.includes('uses:'));
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it('gives values that people choose to commands as environment variables, never as text', () => {
    const run = workflow.jobs['first']?.steps.find((step) => 'run' in step);
    expect(run).toMatchObject({
      run: 'echo "$PIPELINE_BRANCH ${{ github.event.pull_request.head.sha || github.sha }}"\necho "answer=42" >> "$GITHUB_OUTPUT"\n',
      env: { PIPELINE_BRANCH: '${{ github.base_ref || github.ref_name }}' },
    });
  });

  it('hands outputs on through the job', () => {
    expect(workflow.jobs['first']?.outputs).toEqual({ answer: '${{ steps.commands.outputs.answer }}' });
    expect(JSON.stringify(workflow.jobs['second'])).toContain('${{ needs.first.outputs.answer }}');
  });

  it('fetches files into the folder that they came from', () => {
    expect(uses(workflow.jobs['second'], 'actions/download-artifact')?.with).toMatchObject({ path: 'reports' });
  });

  it('sets up QEMU for more than one platform only', () => {
    expect(uses(workflow.jobs['versions'], 'docker/setup-qemu-action')?.with).toEqual({
      platforms: 'linux/amd64,linux/arm64',
    });
    expect(uses(workflow.jobs['build'], 'docker/setup-qemu-action')).toBeUndefined();
  });

  it('neither logs out of its rights nor pushes for a build without push', () => {
    expect(workflow.jobs['dry']?.permissions).toEqual({ contents: 'read' });
    expect(uses(workflow.jobs['dry'], 'docker/build-push-action')?.with?.['push']).toBe(false);
  });

  it('lets a step fail, stops it in time, and runs one after a failure', () => {
    expect(workflow.jobs['second']?.['continue-on-error']).toBe(true);
    expect(workflow.jobs['first']?.['timeout-minutes']).toBe(5);
    expect(workflow.jobs['always']?.if).toMatch(/^!cancelled\(\)/);
    expect(workflow.jobs['failed']?.if).toMatch(/^failure\(\) && /);
    expect(workflow.concurrency?.['cancel-in-progress']).toBe(true);
  });
});

describe('what GitHub Actions cannot express is refused', () => {
  it('naming engine, features and steps', () => {
    const step = command('deploy', {
      serviceAccount: 'x',
      mounts: [{ secret: 's', key: 'k', path: '/k' }],
      resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
    });
    expect(() => write([step])).toThrow(
      'GitHub Actions cannot express in pipeline "p": service account of a step (step "deploy"), resources of a step (step "deploy"), mounted file (step "deploy")',
    );
  });

  it('a pattern that only the triggers of a whole workflow can have', () => {
    const step = command('a', { when: [{ on: 'push', branches: ['release-*'] }] });
    expect(() => write([step], [{ on: 'push', branches: ['release-*', 'main'] }])).toThrow('"release-*"');
  });

  it('an expression of GitHub in the text of a command', () => {
    expect(() => write([command('a', { commands: ['echo ${{ github.head_ref }}'] })])).toThrow('expression of GitHub');
  });

  it('an image repository with capital letters', () => {
    expect(() => write([build('a', { repository: 'ghcr.io/Owner/a' })])).toThrow('must be all lower case');
  });

  it('tools for a step that does not exist', () => {
    expect(() => write([command('a')], [push], { onRunner: { b: [] } })).toThrow('no step "b"');
  });

  it('rights or steps for a step that does not exist', () => {
    expect(() => write([command('a')], [push], { permissions: { b: { contents: 'write' } } })).toThrow('no step "b"');
  });
});

it('a step that needs its runner runs there, after the tools it is given, and the others in their image', () => {
  const tools = [{ name: 'Tools', run: 'true' }];
  const { jobs } = write([command('a'), command('b')], [push], { onRunner: { b: tools } }).workflow;
  expect(jobs['a']?.container).toBe('docker.io/library/alpine:3.21');
  expect(jobs['b']).not.toHaveProperty('container');
  expect(jobs['b']?.steps.slice(1, 3)).toMatchObject([{ name: 'Tools' }, { name: 'b', run: 'true\n' }]);
});
