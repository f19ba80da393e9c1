import { describe, expect, test } from 'vitest';
import {
  ProgramWorkflow,
  type WorkflowSpec,
  workflowDefaults,
  workflowProblems,
} from '../../../constructs/argo-workflows/index.ts';
import { objectsOf, only, part } from '../../support/chart.ts';

const good: WorkflowSpec = {
  ...workflowDefaults,
  entrypoint: 'main',
  serviceAccountName: 'runner',
  activeDeadlineSeconds: 60,
  arguments: { parameters: [{ name: 'revision' }] },
  templates: [
    {
      name: 'main',
      dag: {
        tasks: [
          { name: 'a', template: 'step' },
          {
            name: 'b',
            template: 'next',
            dependencies: ['a'],
            arguments: { parameters: [{ name: 'image', value: '{{tasks.a.outputs.parameters.result}}' }] },
          },
        ],
      },
    },
    {
      name: 'step',
      container: { args: ['{{workflow.parameters.revision}}'] },
      outputs: { parameters: [{ name: 'result', valueFrom: { path: '/tmp/x' } }] },
    },
    { name: 'next', inputs: { parameters: [{ name: 'image' }] }, container: { args: ['{{inputs.parameters.image}}'] } },
  ],
};

test('a whole workflow has no problems', () => {
  expect(workflowProblems(good)).toEqual([]);
});

const [main, step, next] = good.templates as [
  WorkflowSpec['templates'][number],
  WorkflowSpec['templates'][number],
  WorkflowSpec['templates'][number],
];
const tasks = main.dag?.tasks ?? [];

describe('what would fail at the first run is refused before', () => {
  test.each<[string, Partial<WorkflowSpec>, RegExp]>([
    ['an entrypoint that is no template', { entrypoint: 'start' }, /entrypoint start is no template/],
    ['two templates of one name', { templates: [main, step, next, step] }, /the same name/],
    [
      'a task of no template',
      { templates: [{ name: 'main', dag: { tasks: [{ name: 'a', template: 'gone' }] } }] },
      /task a runs gone, which is no template/,
    ],
    ['a parameter that nothing gives', { arguments: { parameters: [] } }, /reads {{workflow.parameters.revision}}/],
    [
      'an output that no task has',
      { templates: [main, { name: 'step', container: {} }, next] },
      /reads {{tasks.a.outputs.parameters.result}}/,
    ],
    [
      'an input that is not given',
      { templates: [{ name: 'main', dag: { tasks: [{ name: 'b', template: 'next' }] } }, next] },
      /task b lacks image/,
    ],
    [
      'a loop',
      { templates: [{ name: 'main', dag: { tasks: [{ name: 'a', template: 'step', dependencies: ['a'] }] } }, step] },
      /task a waits for a, which is no task before it/,
    ],
    [
      'a template that does two things',
      { templates: [{ ...step, name: 'main', dag: { tasks: [...tasks] } }, step, next] },
      /not exactly one of container and dag/,
    ],
    [
      'text in the place of a parameter',
      { templates: [{ name: 'main', container: { args: ['{{revision}}'] } }] },
      /reads {{revision}}, which nothing gives/,
    ],
  ])('%s', (_, change, problem) => {
    expect(workflowProblems({ ...good, ...change }).join('\n')).toMatch(problem);
  });
});

describe('a workflow of program steps', () => {
  const make = () =>
    objectsOf(
      (chart) =>
        new ProgramWorkflow(chart, 'W', {
          name: 'build',
          description: 'Builds',
          facts: [{ name: 'git-ref', description: 'x' }],
          steps: [
            { name: 'build', args: ['build'], result: '/tmp/image' },
            { name: 'deploy', args: ['deploy'], after: ['build'], credentials: 'forge', retry: true },
          ],
          image: { repository: 'docker.io/library/node', tag: '22' },
          serviceAccount: 'runner',
          program: { command: ['node', 'x.cjs'], volumes: [], mounts: [] },
        }),
      { namespace: 'ci' },
    );

  test('hands facts over as environment, never as text of a command', () => {
    const spec = part<WorkflowSpec>(only(make(), 'WorkflowTemplate'), 'spec');
    for (const { container } of spec.templates.filter((template) => template.container)) {
      expect(JSON.stringify([container?.command, container?.args])).not.toContain('{{');
      expect(container?.env).toContainEqual({ name: 'GIT_REF', value: '{{workflow.parameters.git-ref}}' });
    }
  });

  test('mounts credentials in the step that needs them alone', () => {
    const spec = part<WorkflowSpec>(only(make(), 'WorkflowTemplate'), 'spec');
    const mounting = spec.templates.filter(({ container }) =>
      container?.volumeMounts?.some(({ name }) => name === 'forge'),
    );
    expect(mounting.map(({ name }) => name)).toEqual(['deploy']);
  });
});
