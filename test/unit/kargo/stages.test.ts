import { describe, expect, test } from 'vitest';
import { PromotionStages, type PromotionStep } from '../../../constructs/kargo/index.ts';
import { objectsOf, only, part } from '../../support/chart.ts';
import { stages, stagesProps } from './example.ts';

const names = stages().map((stage) => stage.name);

function rendered(...disabled: readonly string[]) {
  return objectsOf((chart) => new PromotionStages(chart, 'stages', stagesProps(...disabled)), { namespace: 'shop-ci' });
}

function sourceOf(objects: ReturnType<typeof rendered>, stage: string): string {
  const sources = part<{ direct?: boolean; stages?: string[] }>(
    only(objects, 'Stage', stage),
    'spec',
    'requestedFreight',
    0,
    'sources',
  );
  expect(Object.keys(sources)).toHaveLength(1);
  return sources.direct ? 'registry' : (sources.stages ?? []).join(',');
}

const switches = Array.from({ length: 2 ** names.length }, (_, bits) => names.filter((_, bit) => (bits >> bit) & 1));

describe('stages with any of them switched off', () => {
  test('all combinations are looked at', () => {
    expect(switches).toHaveLength(16);
  });

  test.each(switches.map((disabled) => [disabled.join(', ') || 'none', disabled] as const))(
    'without %s: every stage stays rendered, and takes its builds from the nearest enabled one before it',
    (_, disabled) => {
      const objects = rendered(...disabled);
      expect(objects.map((object) => object.metadata.name)).toEqual(names);
      names.forEach((stage, index) => {
        const before = names.slice(0, index).filter((name) => !disabled.includes(name));
        expect(sourceOf(objects, stage)).toBe(before.at(-1) ?? 'registry');
      });
    },
  );

  test('a disabled stage keeps its steps, turns gray and says who bypasses it', () => {
    const [on, off] = [rendered(), rendered('paper')].map((objects) => only(objects, 'Stage', 'paper'));
    expect(part(off, 'spec', 'promotionTemplate')).toEqual(part(on, 'spec', 'promotionTemplate'));
    expect(off?.metadata.annotations).toMatchObject({
      'kargo.akuity.io/color': 'gray',
      'kargo.akuity.io/description': 'Switched off: promotions are refused, and live takes its builds from beta.',
    });
  });

  test('where the evidence is waived, the stages after it say so', () => {
    expect(only(rendered('ci'), 'Stage', 'live').metadata.annotations?.['kargo.akuity.io/description']).toContain(
      'Evidence waived: ci is switched off.',
    );
    expect(only(rendered(), 'Stage', 'live').metadata.annotations?.['kargo.akuity.io/description']).not.toContain(
      'waived',
    );
  });
});

test('Argo CD never deletes a stage: its history would go with it', () => {
  for (const object of rendered()) {
    expect(object.metadata.annotations?.['argocd.argoproj.io/sync-options']).toBe('Prune=false,Delete=false');
  }
});

test('the dashboard tells what each stage does and when it is closed', () => {
  const text = (stage: string) =>
    only(rendered(), 'Stage', stage).metadata.annotations?.['kargo.akuity.io/description'];
  expect(text('ci')).toBe('Waits until ci reports success of integration-test for the commit.');
  expect(text('beta')).toBe('Deploys to shop-beta, by itself.');
  expect(text('live')).toBe(
    'Deploys to shop, by hand. Closed 09:30 to 16:00 America/New_York on Mon, Fri. Needs a note.',
  );
});

test('ci polls the evidence and does nothing else; the others commit, push and let Argo CD sync', () => {
  const uses = (stage: string) =>
    part<PromotionStep[]>(only(rendered(), 'Stage', stage), 'spec', 'promotionTemplate', 'spec', 'steps').map(
      (step) => step.uses,
    );
  expect(uses('ci')).toEqual(['http']);
  for (const stage of ['beta', 'paper', 'live']) {
    expect(uses(stage)).toEqual([
      'set-metadata',
      'git-clone',
      'yaml-update',
      'git-commit',
      'fail',
      'git-push',
      'argocd-update',
    ]);
  }
});

test('a stage without evidence or target is refused, all of them at once', () => {
  const props = { ...stagesProps(), evidence: { gamma: stagesProps().evidence.ci! }, targets: {} };
  const make = () => objectsOf((chart) => new PromotionStages(chart, 'stages', props));
  expect(make).toThrow(/ci has no evidence; stage beta has no target.*live has no target.*gamma, which is no stage/);
});
