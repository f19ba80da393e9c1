import { describe, expect, test } from 'vitest';
import type { RenderedFile } from '../../../constructs/core/index.ts';
import { stonksOracleArc } from '../../../systems/stonks-oracle-arc/system.ts';
import { part } from '../../support/chart.ts';
import { context, objectNamed, objectsIn } from '../../support/rendered.ts';

/** Name of a stage, and its name in the settings. */
const switches = [
  ['ci', 'ci'],
  ['integration-test', 'integrationTest'],
  ['beta', 'beta'],
  ['paper', 'paper'],
  ['live', 'live'],
] as const;
const names = switches.map(([name]) => name);

const combinations = Array.from({ length: 2 ** switches.length }, (_, bits) =>
  names.filter((_name, index) => (bits & (1 << index)) !== 0),
).map((on) => ({ on, title: on.join(', ') || 'none' }));

function rendered(on: readonly string[]): readonly RenderedFile[] {
  return stonksOracleArc.render(context, (draft) => {
    const { stages } = draft as { stages: Record<string, { enabled: boolean }> };
    for (const [name, setting] of switches) stages[setting] = { ...stages[setting], enabled: on.includes(name) };
    return draft;
  });
}

test('check 4.4: there are 32 combinations', () => {
  expect(combinations).toHaveLength(32);
});

describe.each(combinations)('check 4.4: switched on: $title', ({ on }) => {
  const files = rendered(on);

  test('every stage stays rendered, and an enabled one takes builds from the nearest enabled one before it', () => {
    const stages = objectsIn(files).filter((object) => object.kind === 'Stage');
    expect(stages.map((stage) => stage.metadata.name)).toEqual(names);
    names.forEach((name, index) => {
      if (!on.includes(name)) return;
      const before = names.slice(0, index).findLast((candidate) => on.includes(candidate));
      expect(part(objectNamed(files, 'Stage', name), 'spec', 'requestedFreight', 0, 'sources')).toEqual(
        before === undefined ? { direct: true } : { stages: [before] },
      );
    });
  });

  test('only enabled stages without a person are promoted to automatically, and the window stays where it was', () => {
    const policies = part<ReadonlyArray<{ autoPromotionEnabled: boolean; stageSelector: { name: string } }>>(
      objectNamed(files, 'ProjectConfig', 'stonks-pipeline'),
      'spec',
      'promotionPolicies',
    );
    expect(policies.filter((policy) => policy.autoPromotionEnabled).map((policy) => policy.stageSelector.name)).toEqual(
      (['ci', 'integration-test', 'beta'] as const).filter((name) => on.includes(name)),
    );
    const gate = JSON.parse(files.find((file) => file.path === 'gate.json')?.content ?? '') as {
      readonly stages: ReadonlyArray<{ readonly name: string; readonly gate?: { readonly window?: object } }>;
    };
    expect(gate.stages.filter((stage) => stage.gate?.window).map((stage) => stage.name)).toEqual(['paper', 'live']);
  });
});
