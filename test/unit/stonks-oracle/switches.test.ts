import { describe, expect, test } from 'vitest';
import type { RenderedFile } from '../../../constructs/core/index.ts';
import { stonksOracle } from '../../../systems/stonks-oracle/system.ts';
import { context, objectNamed, objectsIn } from '../../support/rendered.ts';

const names = ['ci', 'beta', 'paper', 'live'] as const;
type Switches = Readonly<Record<(typeof names)[number], boolean>>;

const combinations: readonly Switches[] = Array.from({ length: 16 }, (_, bits) => {
  const on = (index: number) => (bits & (1 << index)) !== 0;
  return { ci: on(0), beta: on(1), paper: on(2), live: on(3) };
});

function rendered(switches: Switches): readonly RenderedFile[] {
  return stonksOracle.render(context, (draft) => {
    const { stages } = draft as { stages: Record<string, { enabled: boolean }> };
    for (const name of names) stages[name] = { ...stages[name], enabled: switches[name] };
    return draft;
  });
}

interface StageSpec {
  readonly requestedFreight: ReadonlyArray<{
    readonly sources: { readonly direct?: boolean; readonly stages?: readonly string[] };
  }>;
}

describe.each(combinations)('ci $ci, beta $beta, paper $paper, live $live', (switches) => {
  const files = rendered(switches);

  test('every stage stays rendered: deleting one would delete its history', () => {
    const stages = objectsIn(files).filter((object) => object.kind === 'Stage');
    expect(stages.map((stage) => stage.metadata.name).sort()).toEqual([...names].sort());
  });

  test('an enabled stage takes builds from the nearest enabled stage before it', () => {
    names.forEach((name, index) => {
      if (!switches[name]) return;
      const before = names.slice(0, index).findLast((candidate) => switches[candidate]);
      const stage = objectNamed(files, 'Stage', name);
      const [freight] = (stage['spec'] as StageSpec).requestedFreight;
      expect(freight?.sources).toEqual(before === undefined ? { direct: true } : { stages: [before] });
    });
  });

  test('only enabled stages are promoted to automatically', () => {
    const config = objectNamed(files, 'ProjectConfig', 'stonks-pipeline');
    const policies = (
      (
        config['spec'] as {
          promotionPolicies?: Array<{
            stageSelector?: { name?: string };
            stage?: string;
            autoPromotionEnabled?: boolean;
          }>;
        }
      ).promotionPolicies ?? []
    )
      .filter((policy) => policy.autoPromotionEnabled)
      .map((policy) => policy.stageSelector?.name ?? policy.stage);
    expect(policies.sort()).toEqual((['ci', 'beta'] as const).filter((name) => switches[name]).sort());
  });
});

test('with promotion.clock utc-arithmetic no policy names a zone, and preflight asks for none', () => {
  const text = (clock: 'zone-names' | 'utc-arithmetic') => {
    const files = stonksOracle.render(context, (draft) => {
      (draft as { promotion: { clock?: string } }).promotion.clock = clock;
      return draft;
    });
    const of = (path: string) => files.find((file) => file.path === path)?.content ?? '';
    const policies = of('gitops/gate/policies.yaml');
    return { named: policies.includes("('America/New_York')"), asked: of('install/plan.tsv').includes('require-zone') };
  };
  expect(text('zone-names')).toEqual({ named: true, asked: true });
  expect(text('utc-arithmetic')).toEqual({ named: false, asked: false });
});
