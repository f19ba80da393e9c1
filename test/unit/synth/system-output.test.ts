import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineSystem, SystemOutput } from '../../../constructs/core/index.ts';
import { KubeClusterRole, KubeConfigMap } from '../../../imports/k8s.ts';
import { context } from '../../support/rendered.ts';

test('a chart is one file; its objects get namespace and labels', () => {
  const output = new SystemOutput('sample');
  const chart = output.chart('gitops/platform/app', { namespace: 'apps' });
  new KubeConfigMap(chart, 'A', { metadata: { name: 'a' }, data: { key: 'value' } });
  new KubeClusterRole(chart, 'Role', { metadata: { name: 'reader' }, rules: [] });
  const [file] = output.files();
  expect(file?.path).toBe('gitops/platform/app.yaml');
  expect(file?.objects[0]?.metadata).toEqual({
    name: 'a',
    namespace: 'apps',
    labels: {
      'app.kubernetes.io/part-of': 'sample',
      'app.kubernetes.io/managed-by': 'pipelines',
      'app.kubernetes.io/component': 'app',
    },
  });
  expect(file?.objects[1]?.metadata.namespace).toBeUndefined();
});

test('two files of one path, and a chart without objects, are mistakes', () => {
  const output = new SystemOutput('sample');
  output.file('repo/a', 'x');
  expect(() => output.file('repo/a', 'y')).toThrow('two files are called repo/a');
  output.chart('gitops/empty');
  expect(() => output.files()).toThrow('gitops/empty.yaml holds no object');
});

test('asking for the files twice gives the same', () => {
  const output = new SystemOutput('sample');
  new KubeConfigMap(output.chart('a', { namespace: 'apps' }), 'A', { metadata: { name: 'a' } });
  expect(output.files().map((file) => file.content)).toEqual(output.files().map((file) => file.content));
});

test('exceptions are rendered with their reasons', () => {
  const output = new SystemOutput('sample');
  output.except([{ check: 'pod-security', object: 'Namespace/builds', reason: 'image builds need privileges' }]);
  expect(output.files().find((file) => file.path === 'exceptions.tsv')?.content).toContain(
    'pod-security\tNamespace/builds\timage builds need privileges\n',
  );
});

test('bad settings are refused before anything is composed', () => {
  let composed = false;
  const system = defineSystem({
    name: 'sample',
    description: 'A sample',
    schema: z.strictObject({ replicas: z.int().min(1, 'there is none; set 1 or more') }),
    settings: { replicas: 0 },
    compose: () => {
      composed = true;
    },
  });
  expect(() => system.render(context)).toThrow(
    'settings of sample: 1 problem\n  replicas: there is none\n    set 1 or more',
  );
  expect(composed).toBe(false);
});
