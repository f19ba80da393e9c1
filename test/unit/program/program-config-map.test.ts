import { expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { ProgramConfigMap, programLimit } from '../../../constructs/program/index.ts';

function render(text: string, files: Record<string, string> = {}) {
  const output = new SystemOutput('test');
  const chart = output.chart('gitops/x', { namespace: 'kargo' });
  const program = new ProgramConfigMap(chart, 'Program', { name: 'desk', program: 'desk', text, files });
  return { program, object: output.files()[0]?.objects[0] };
}

test('a program is an immutable ConfigMap whose name changes with its content', () => {
  const one = render('console.log(1)', { 'settings.json': '{}' });
  expect(one.object).toMatchObject({
    kind: 'ConfigMap',
    immutable: true,
    metadata: { name: one.program.configMapName, namespace: 'kargo' },
    data: { 'desk.cjs': 'console.log(1)', 'settings.json': '{}' },
  });
  expect(one.program.configMapName).toMatch(/^desk-[0-9a-f]{10}$/);
  expect(render('console.log(1)', { 'settings.json': '{}' }).program.configMapName).toBe(one.program.configMapName);
  expect(render('console.log(2)', { 'settings.json': '{}' }).program.configMapName).not.toBe(one.program.configMapName);
  expect(render('console.log(1)', { 'settings.json': '{ }' }).program.configMapName).not.toBe(
    one.program.configMapName,
  );
});

test('a program that is too large for a ConfigMap is refused, counting every key', () => {
  const half = 'x'.repeat(programLimit / 2);
  expect(render(half).program.bytes).toBeGreaterThan(programLimit / 2);
  expect(() => render(half, { 'browser.js': half })).toThrow(/901 KiB do not fit into a ConfigMap \(900 KiB\)/);
  expect(() => render('é'.repeat(programLimit / 2))).toThrow('do not fit');
});

test('an empty program is refused', () => {
  expect(() => render('')).toThrow('is empty');
});

test('pods run it by its command, volume and mount', () => {
  const { program } = render('1');
  expect(program.command('/program', 'serve')).toEqual(['node', '/program/desk.cjs', 'serve']);
  expect(program.volume()).toEqual({ name: 'program', configMap: { name: program.configMapName } });
  expect(program.mount()).toEqual({ name: 'program', mountPath: '/program', readOnly: true });
});
