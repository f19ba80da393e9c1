import { describe, expect, it } from 'vitest';
import { featuresOf, requireSupport, UnsupportedFeatureError } from '../../../model/pipeline/features.ts';
import { Pipeline } from '../../../model/pipeline/pipeline.ts';
import { CommandStep, ImageBuildStep, type Step, type StepProps, WorkspaceFile } from '../../../model/pipeline/step.ts';
import { spellText, text, variable } from '../../../model/pipeline/text.ts';
import type { Trigger } from '../../../model/pipeline/trigger.ts';
import { inWaves } from '../../../model/pipeline/waves.ts';

const push: Trigger = { on: 'push', branches: ['main'] };
const pullRequest: Trigger = { on: 'pull-request' };

function step(name: string, props: StepProps = {}): CommandStep {
  return new CommandStep(name, { image: 'alpine:3', commands: ['true'], ...props });
}

function namesOf(steps: Iterable<Step>): string[] {
  return [...steps].map(({ name }) => name);
}

describe('pipeline', () => {
  it('puts every step after what it needs and otherwise keeps the order', () => {
    const last = step('last');
    const first = step('first');
    const second = step('second', { needs: [last] });
    expect(namesOf(new Pipeline('p', { triggers: [push], steps: [second, first, last] }).ordered)).toEqual([
      'last',
      'second',
      'first',
    ]);
  });

  it('groups steps in levels', () => {
    const a = step('a');
    const b = step('b');
    const c = step('c', { needs: [a] });
    const d = step('d', { needs: [b, c] });
    const levels = new Pipeline('p', { triggers: [push], steps: [a, b, c, d] }).levels();
    expect(levels.map(namesOf)).toEqual([['a', 'b'], ['c'], ['d']]);
  });

  it('knows everything that comes before a step', () => {
    const a = step('a');
    const b = step('b', { needs: [a] });
    const c = step('c', { needs: [b] });
    expect(namesOf(new Pipeline('p', { triggers: [push], steps: [a, b, c] }).everythingBefore(c))).toEqual(['b', 'a']);
  });

  it('refuses names that stand there twice, needs from elsewhere and unknown triggers, all at once', () => {
    const elsewhere = step('elsewhere');
    const steps = [step('a'), step('a', { needs: [elsewhere] }), step('b', { when: [{ on: 'tag', tags: ['v*'] }] })];
    expect(() => new Pipeline('p', { triggers: [push], steps })).toThrow(
      /two steps are called "a".*"elsewhere", which is not part.*tag v\*, which does not start/,
    );
    expect(() => new Pipeline('p', { triggers: [], steps: [] })).toThrow(/no trigger.*no steps/);
  });

  it('refuses a step that runs on an event on which something it needs does not run', () => {
    const build = step('build', { when: [push] });
    const report = step('report', { needs: [build] });
    expect(() => new Pipeline('p', { triggers: [push, pullRequest], steps: [build, report] })).toThrow(
      /"report" runs on pull request, but "build", which it needs, does not/,
    );
  });

  it('builds in waves, each after the whole one before', () => {
    const test = step('test');
    const builds = inWaves([['a', 'b'], ['c'], []], [test], (name, needs) => step(name, { needs }));
    expect(builds.map(({ name, needs }) => [name, namesOf(needs)])).toEqual([
      ['a', ['test']],
      ['b', ['test']],
      ['c', ['a', 'b']],
    ]);
  });

  it('makes a step need whatever its values and files come from', () => {
    const results = new WorkspaceFile('results.json');
    const test = new CommandStep('test', { image: 'x:1', commands: ['true'], produces: [results] });
    const user = new CommandStep('user', {
      image: 'x:1',
      commands: ['true'],
      environment: { TAG: test.output('tag') },
      consumes: [{ file: results, from: test }],
    });
    expect(user.needs).toEqual([test]);
    expect(test.outputs).toEqual(['tag']);
    expect(
      () => new CommandStep('x', { image: 'x:1', commands: ['true'], consumes: [{ file: results, from: user }] }),
    ).toThrow(/"user" does not produce results.json/);
  });

  it('lists its secrets once, by name', () => {
    const token = { name: 'token', purpose: 'push' };
    const login = { user: { name: 'user', purpose: 'login' }, password: { name: 'password', purpose: 'login' } };
    const build = new ImageBuildStep('build', {
      registry: 'r.example',
      repository: 'r.example/a',
      tags: [[{ literal: 'latest' }]],
      dockerfile: 'Dockerfile',
      login,
    });
    const push1 = new CommandStep('push', { image: 'x:1', commands: ['true'], secrets: { A: token, B: token } });
    const pipeline = new Pipeline('p', { triggers: [push], steps: [build, push1] });
    expect(pipeline.secrets().map(({ name }) => name)).toEqual(['password', 'token', 'user']);
  });

  it('refuses steps that make no sense', () => {
    expect(() => step('Bad Name')).toThrow(/lower-case/);
    expect(() => new CommandStep('x', { image: 'x:1', commands: [] })).toThrow(/no commands/);
    expect(
      () =>
        new CommandStep('x', {
          image: 'x:1',
          commands: ['true'],
          environment: { A: 'a' },
          secrets: { A: { name: 'a', purpose: '' } },
        }),
    ).toThrow(/A is set as a value and as a secret/);
    const build = { registry: 'r.example', dockerfile: 'Dockerfile' };
    expect(() => new ImageBuildStep('x', { ...build, repository: 'r.example/a', tags: [] })).toThrow(/no tag/);
    expect(() => new ImageBuildStep('x', { ...build, repository: 'other/a', tags: [[{ literal: 'a' }]] })).toThrow(
      /not in registry/,
    );
  });
});

describe('features', () => {
  it('refuses by engine, feature and step what an engine cannot express', () => {
    const slow = step('slow', { timeoutMinutes: 5, mayFail: true });
    const pipeline = new Pipeline('p', { triggers: [push, pullRequest], steps: [slow], whenRunning: 'queue' });
    expect(featuresOf(pipeline).map(({ feature }) => feature)).toEqual([
      'pull request trigger',
      'queueing of runs',
      'step that may fail',
      'time limit of a step',
    ]);
    const refused = () => requireSupport('Drum', ['pull request trigger', 'step that may fail'], pipeline);
    expect(refused).toThrow(UnsupportedFeatureError);
    expect(refused).toThrow(
      'Drum cannot express in pipeline "p": queueing of runs, time limit of a step (step "slow")',
    );
    expect(() =>
      requireSupport(
        'Drum',
        featuresOf(pipeline).map(({ feature }) => feature),
        pipeline,
      ),
    ).not.toThrow();
  });
});

describe('text', () => {
  it('spells variables in the dialect of an engine and leaves the rest', () => {
    const command = text`deploy --tag ${variable('commitSha')} --note $HOME`;
    expect(spellText(command, (name) => `\${{ ${name} }}`)).toBe('deploy --tag ${{ commitSha }} --note $HOME');
    expect(spellText(variable('branch'), (name) => `<${name}>`)).toBe('<branch>');
  });
});
