// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions of Kargo are written like template strings
import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { deploySteps, type PromotionStep, promotedTag } from '../../../constructs/kargo/index.ts';
import { part } from '../../support/chart.ts';
import { target } from './example.ts';
import { evaluated, writtenIntoYaml } from './kargo-rules.ts';

const steps = deploySteps('beta', target('beta'));

function step(name: string): PromotionStep {
  const found = steps.find((candidate) => candidate.as === name);
  if (found === undefined) throw new Error(`no step is called ${name}`);
  return found;
}

/** Every text below a value, with its path. */
function texts(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => texts(inner, `${path}/${key}`));
}

describe('tags that look like numbers', () => {
  const hexadecimal = (length: number) =>
    fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length }).map((c) => c.join(''));
  const digits = (length: number) =>
    fc.array(fc.constantFrom(...'0123456789'), { minLength: length, maxLength: length }).map((c) => c.join(''));
  const exponent = fc.tuple(digits(5), digits(1)).map(([a, b]) => `${a}e${b}`);
  const tags = fc.oneof(
    hexadecimal(7),
    hexadecimal(40),
    digits(7),
    digits(40),
    exponent,
    digits(6).map((d) => `0${d}`),
  );

  test('the promoted tag arrives in the values file as the very same string', () => {
    const quoted = /^\$\{\{ quote\(.*\) \}\}$/.test(promotedTag);
    fc.assert(
      fc.property(tags, (tag) => {
        const written = writtenIntoYaml(evaluated(tag, quoted));
        expect(load(`image:\n  tag: ${written}\n`)).toEqual({ image: { tag } });
      }),
      { numRuns: 500 },
    );
  });

  test('without quote, the same tags would be changed', () => {
    for (const tag of ['9111111', '12345e7', '0123456', '9'.repeat(40)]) {
      expect(load(`tag: ${writtenIntoYaml(evaluated(tag, false))}`)).not.toEqual({ tag });
    }
  });

  test('no step reads a tag, commit or name from an expression that is a whole text without quote', () => {
    const bare = steps
      .flatMap((each) => texts(each.config, each.as))
      .filter(([, text]) => /^\$\{\{.*\}\}$/s.test(text) && !/^\$\{\{ quote\(.*\) \}\}$/.test(text));
    // A time is a number on purpose.
    expect(bare).toEqual([['start/updates/0/values/promotion_to_beta/startedAt', '${{ now().Unix() }}']]);
  });
});

describe('a promotion', () => {
  test('writes the tag on the branch of its stage, and nowhere else', () => {
    expect(part(step('clone'), 'config')).toEqual({
      repoURL: target('beta').repository,
      checkout: [{ branch: 'stage/beta', path: './promoted' }],
    });
    expect(part(step('update'), 'config', 'updates')).toEqual([{ key: 'image.tag', value: promotedTag }]);
    expect(part(step('push'), 'config', 'targetBranch')).toBe('stage/beta');
  });

  test('lets Argo CD sync exactly its own commit, of the source with the promotions only', () => {
    expect(part(step('sync'), 'config', 'apps')).toEqual([
      {
        name: 'shop-beta',
        namespace: 'argocd',
        sources: [{ repoURL: target('beta').repository, desiredRevision: '${{ quote(outputs.commit.commit) }}' }],
      },
    ]);
  });

  test('tells tag, promotion and actor in its commit', () => {
    const message = part<string>(step('commit'), 'config', 'message');
    expect(message.split('\n')[0]).toBe('${{ ctx.stage }}: ${{ imageFrom(vars.image).Tag }}');
    expect(message).toContain('Actor: ${{ ctx.meta.promotion.actor }}');
  });
});

describe('a promotion that was interrupted', () => {
  test('notes its start once, in a place that a restart of the controller leaves alone', () => {
    expect(steps[0]).toEqual({
      uses: 'set-metadata',
      as: 'start',
      if: '${{ freightMetadata(ctx.targetFreight.name)?.promotion_to_beta?.name != ctx.promotion }}',
      config: {
        updates: [
          {
            kind: 'Freight',
            name: '${{ quote(ctx.targetFreight.name) }}',
            values: { promotion_to_beta: { name: '${{ quote(ctx.promotion) }}', startedAt: '${{ now().Unix() }}' } },
          },
        ],
      },
    });
  });

  test('keeps the starts of two stages apart, whatever their names', () => {
    const key = (stage: string) =>
      Object.keys(part<object>(deploySteps(stage, target(stage))[0], 'config', 'updates', 0, 'values'));
    expect(key('paper-eu')).toEqual(['promotion_to_paper_eu']);
  });

  test('fails before it pushes when its first step was more than 15 minutes ago', () => {
    expect(step('fresh').if).toBe(
      '${{ success() && now().Unix() - freightMetadata(ctx.targetFreight.name)?.promotion_to_beta.startedAt > 900 }}',
    );
    const order = steps.map((each) => each.as);
    expect(order.indexOf('fresh')).toBe(order.indexOf('push') - 1);
  });

  test('skips everything after a failure: only the first step and the check have a condition', () => {
    expect(steps.filter((each) => each.if !== undefined).map((each) => each.as)).toEqual(['start', 'fresh']);
    expect(steps.some((each) => each.continueOnError)).toBe(false);
  });
});
