import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { writeInstallPlan } from '../../../constructs/install-plan/index.ts';
import {
  filesOf,
  type InstallPlan,
  installPhases,
  installPlanText,
  secretSteps,
  teardownPhases,
  teardownPlanText,
} from '../../../model/install-plan/index.ts';
import { renderFixture } from '../../support/install/fixture.ts';

const fixture = {
  name: 'small',
  forgeUrl: 'http://forge.invalid',
  registryUrl: 'http://registry.invalid',
  registryPort: 1,
};
const files = renderFixture(fixture);
const text = (path: string) => files.find((file) => file.path === path)?.content ?? '';
const steps = (path: string) =>
  text(path)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'));

describe('a plan', () => {
  it('has one step a line: phase, verb, and fields of the form key=value', () => {
    const lines = [...steps('install/plan.tsv'), ...steps('teardown/plan.tsv')];
    expect(lines.length).toBeGreaterThan(40);
    for (const [phase = '', verb = '', ...fields] of lines) {
      expect([...installPhases, ...teardownPhases]).toContain(phase);
      expect(verb).toMatch(/^[a-z-]+$/);
      for (const field of fields) expect(field).toMatch(/^[a-z-]+=./);
    }
  });

  it('restores before anything could refuse, start or repeat what was restored', () => {
    const order = steps('install/plan.tsv').map(([phase, verb, ...rest]) => `${phase} ${verb} ${rest.join(' ')}`);
    const at = (part: RegExp) => {
      const index = order.findIndex((line) => part.test(line));
      expect(index, String(part)).toBeGreaterThanOrEqual(0);
      return index;
    };
    const inOrder = [
      /^repositories push/,
      /^repositories seed-branch/,
      /^argo-cd release/,
      /^kargo-base release .*mode=base/,
      /^restore job/,
      /^gate apply/,
      /^kargo release/,
      /^kargo await-accepted/,
      /^root apply/,
      /^root await-revision/,
      /^project-config apply/,
    ].map(at);
    expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
  });

  it('removes Applications before Argo CD, the gate before Kargo, and namespaces before it clears their volumes', () => {
    const order = steps('teardown/plan.tsv').map(([phase]) => phase as string);
    const position = (phase: string) => order.indexOf(phase);
    expect(position('quiet')).toBeLessThan(position('snapshot'));
    expect(position('snapshot')).toBeLessThan(position('applications'));
    expect(position('applications')).toBeLessThan(position('argo-cd'));
    expect(position('gate')).toBeLessThan(position('kargo'));
    expect(position('namespaces')).toBeLessThan(position('volumes'));
  });

  it('refuses phases out of order, twice or unknown, and fields that would break a line', () => {
    const plan = (...phases: string[]): InstallPlan => ({
      system: 's',
      phases: phases.map((phase) => ({ phase: phase as 'gate', steps: [{ verb: 'note', text: 'x' }] })),
    });
    expect(() => installPlanText(plan('gate', 'restore'))).toThrow(/restore: comes after gate/);
    expect(() => installPlanText(plan('gate', 'gate'))).toThrow(/gate: comes after gate/);
    expect(() => installPlanText(plan('later'))).toThrow(/later: is no phase/);
    const note = (value: string): InstallPlan => ({
      system: 's',
      phases: [{ phase: 'status', steps: [{ verb: 'note', text: value }] }],
    });
    expect(() => installPlanText(note('two\nlines'))).toThrow(/status\[0\].text: holds a tab or a line break/);
    const claim: InstallPlan = {
      system: 's',
      phases: [{ phase: 'preflight', steps: [{ verb: 'claim', names: ['a,b'] }] }],
    };
    expect(() => installPlanText(claim)).toThrow(/"a,b" holds a comma/);
  });

  it('accepts every selection of phases in order, and only that', () => {
    fc.assert(
      fc.property(fc.subarray([...installPhases], { minLength: 1 }), (chosen) => {
        const phases = chosen.map((phase) => ({ phase, steps: [] }));
        expect(installPlanText({ system: 's', phases })).toContain(`# ${chosen[0]}: `);
        if (chosen.length > 1) expect(() => installPlanText({ system: 's', phases: [...phases].reverse() })).toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.subarray([...teardownPhases], { minLength: 1 }), (chosen) => {
        expect(teardownPlanText({ system: 's', phases: chosen.map((phase) => ({ phase, steps: [] })) })).toBeTruthy();
      }),
    );
  });
});

describe('the files of a plan', () => {
  it('are all rendered, and every rendered file of the scripts is used', () => {
    const used = filesOf({ system: 'small', phases: [] });
    expect(used).toEqual([]);
    const paths = files.map((file) => file.path).filter((path) => /^(install|teardown|helm)\//.test(path));
    const plans = ['install/plan.tsv', 'teardown/plan.tsv', 'helm/releases.yaml'];
    const named = `${text('install/plan.tsv')}${text('teardown/plan.tsv')}`;
    expect(paths.length).toBeGreaterThan(12);
    for (const path of paths) if (!plans.includes(path)) expect(named, path).toContain(path);
  });

  it('are refused when missing or unused', () => {
    const output = new SystemOutput('s');
    output.file('install/unused.yaml', '');
    expect(() =>
      writeInstallPlan(output, {
        install: [{ phase: 'namespaces', steps: [{ verb: 'apply', path: 'install/missing.yaml' }] }],
        teardown: [],
      }),
    ).toThrow(
      /install\/missing.yaml: is named by a step but not rendered[\s\S]*install\/unused.yaml: is rendered but no/,
    );
  });

  it('name each release once, with chart and version', () => {
    expect(text('helm/releases.yaml')).toMatch(/name: kargo\n[\s\S]*version: "?1.0.0/);
    expect(text('helm/releases.yaml').match(/name: kargo\n/g)).toHaveLength(1);
    expect(text('helm/releases.yaml')).not.toContain('kargo-base.yaml');
  });
});

describe('secrets of a plan', () => {
  const secret = {
    namespace: 'n',
    name: 's',
    keys: ['hash', 'password'],
    provenance: 'generated',
    purpose: 'p',
  } as const;

  it('come about in an order in which a hash finds what it is made of', () => {
    const { make } = secretSteps([secret], { 'n/s': { hash: 'bcrypt:password' } });
    expect(Object.entries(make[0]?.keys ?? {})).toEqual([
      ['password', 'random'],
      ['hash', 'bcrypt:password'],
    ]);
  });

  it('are checked, made or expected by where they come from', () => {
    const all = secretSteps([
      secret,
      { ...secret, name: 'by-hand', provenance: 'provided' },
      { ...secret, name: 'of-the-forge', provenance: 'forge-setup' },
    ]);
    expect(all.checks).toMatchObject([{ verb: 'require-secret', name: 'by-hand' }]);
    expect(all.make.map((step) => [step.name, step.keys.password])).toEqual([
      ['by-hand', 'provided'],
      ['s', 'random'],
    ]);
    expect(all.expect).toEqual([{ verb: 'expect-secrets', names: ['n/of-the-forge'] }]);
    expect(all.names).toHaveLength(3);
  });

  it('refuse a recipe for something that is not declared', () => {
    expect(() => secretSteps([secret], { 'n/other': {} })).toThrow(/n\/other, which is not declared/);
    expect(() => secretSteps([secret], { 'n/s': { salt: 'random' } })).toThrow(/salt/);
    expect(() => secretSteps([secret], {}, { 'n/x': { path: 'a', namespace: 'n', name: 'j' } })).toThrow(/n\/x/);
  });
});
