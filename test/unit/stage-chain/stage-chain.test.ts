import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  downstreamOf,
  enabledStages,
  evidenceWaived,
  type Stage,
  stageChain,
  stageProblems,
  upstreamOf,
} from '../../../model/stage-chain.ts';
import { stageSchema } from '../../../model/stage-settings.ts';

const names = ['ci', 'integration-test', 'beta', 'paper', 'live'] as const;

function stages(switches: readonly boolean[], which: readonly string[] = names): Stage[] {
  return which.map((name, index): Stage => {
    const enabled = switches[index] ?? true;
    return name === 'ci' || name === 'integration-test'
      ? { name, kind: name, enabled, promotion: 'automatic' }
      : { name, kind: 'deploy', enabled, promotion: name === 'beta' ? 'automatic' : 'manual', namespace: `ns-${name}` };
  });
}

function everySwitch(count: number): boolean[][] {
  return Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (_, bit) => ((bits >> bit) & 1) === 1),
  );
}

describe.each([
  ['the four stages of the local pipeline', ['ci', 'beta', 'paper', 'live']],
  ['the five stages of the predecessor', names],
])('%s, all combinations of switches', (_, which) => {
  const all = everySwitch(which.length).map((switches) => stages(switches, which));

  test('there are 2^n combinations', () => {
    expect(all).toHaveLength(2 ** which.length);
  });

  test('an enabled stage takes its builds from the nearest enabled stage before it, else from the registry', () => {
    for (const list of all) {
      list.forEach((stage, index) => {
        const before = list.slice(0, index).filter((candidate) => candidate.enabled);
        const upstream = upstreamOf(list, stage.name);
        expect(upstream.from === 'stage' ? upstream.stage.name : 'registry').toBe(before.at(-1)?.name ?? 'registry');
      });
    }
  });

  test('a build from the registry reaches every enabled stage, and no disabled one', () => {
    for (const list of all) {
      const links = stageChain(list);
      let at: string | undefined = 'registry';
      const visited: string[] = [];
      while (at !== undefined) {
        const here: string = at;
        const next = links.find(
          ({ upstream }) => (upstream.from === 'stage' ? upstream.stage.name : 'registry') === here,
        );
        at = next?.stage.name;
        if (at !== undefined) visited.push(at);
      }
      expect(visited).toEqual(enabledStages(list).map((stage) => stage.name));
    }
  });

  test('upstream and downstream agree', () => {
    for (const list of all) {
      for (const stage of enabledStages(list)) {
        const next = downstreamOf(list, stage.name);
        if (next !== undefined) expect(upstreamOf(list, next.name)).toEqual({ from: 'stage', stage });
      }
      for (const stage of list.filter((candidate) => !candidate.enabled)) {
        expect(downstreamOf(list, stage.name)).toBeUndefined();
      }
    }
  });

  test('evidence counts as waived exactly where its stage is switched off', () => {
    for (const list of all) {
      const last = list.at(-1);
      if (last === undefined) throw new Error('no stage');
      const expected = list.filter((stage) => stage.kind !== 'deploy' && !stage.enabled);
      expect(evidenceWaived(list, last.name)).toEqual(expected);
    }
  });

  test('switching a stage off and on again gives the chain of before', () => {
    for (const list of all) {
      for (const stage of list) {
        const toggled = list.map((each) => (each === stage ? { ...each, enabled: !each.enabled } : each));
        const back = toggled.map((each) => (each.name === stage.name ? { ...each, enabled: stage.enabled } : each));
        expect(stageChain(back)).toEqual(stageChain(list));
      }
    }
  });
});

test('chains of any length: one link per enabled stage, and only the first comes from the registry', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), (switches) => {
      const list = switches.map(
        (enabled, index): Stage => ({
          name: `s${index}`,
          enabled,
          kind: 'deploy',
          namespace: `n${index}`,
          promotion: 'manual',
        }),
      );
      const links = stageChain(list);
      expect(links).toHaveLength(switches.filter(Boolean).length);
      links.forEach((link, index) => {
        expect(link.upstream.from).toBe(index === 0 ? 'registry' : 'stage');
      });
    }),
  );
});

describe('mistakes in a list of stages', () => {
  const good = stages([true, true, true, true, true]);

  test('a good list has none', () => {
    expect(stageProblems(good)).toEqual([]);
  });

  test('all mistakes are told at once, each with its path and a remedy', () => {
    const problems = stageProblems([
      { name: 'beta', enabled: true, kind: 'deploy', promotion: 'manual' },
      { name: 'beta', enabled: true, kind: 'deploy', promotion: 'manual', namespace: 'a' },
      {
        name: 'live',
        enabled: true,
        kind: 'deploy',
        promotion: 'automatic',
        namespace: 'a',
        gate: { note: 'required' },
      },
      { name: 'ci', enabled: true, kind: 'ci', promotion: 'automatic', namespace: 'b' },
    ]);
    expect(problems.map((each) => each.path)).toEqual([
      'stages.0.namespace',
      'stages.1.name',
      'stages.2.namespace',
      'stages.2.promotion',
      'stages.3.namespace',
      'stages.3.kind',
    ]);
    for (const each of problems) {
      expect(each.problem).not.toBe('');
      expect(each.remedy).not.toBe('');
    }
  });

  test('an automatic stage cannot have approvers', () => {
    const list = good.map(
      (stage): Stage => (stage.name === 'beta' ? { ...stage, gate: { approvers: ['email:a@example.org'] } } : stage),
    );
    expect(stageProblems(list).map((each) => each.path)).toEqual(['stages.2.promotion']);
  });

  test('the schema takes good stages and refuses a name that is no DNS label', () => {
    for (const stage of good) expect(stageSchema.parse(stage)).toEqual(stage);
    expect(stageSchema.safeParse({ ...good[0], name: 'Not a label' }).success).toBe(false);
  });

  test('a list without a deploy stage is refused', () => {
    expect(stageProblems([]).map((each) => each.path)).toEqual(['stages']);
  });

  test('asking for a stage that is not there names those that are', () => {
    expect(() => upstreamOf(good, 'gamma')).toThrow('no stage is called gamma; there are ci, integration-test');
  });
});
