import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../support/processes.ts';
import { noteStart, startWorld, type World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(async () => {
  await world?.stop();
});

/** A commit of the repository `shop`, so that statuses can be set on it. */
async function commit(): Promise<string> {
  const branch = await world.gitea.api<{ commit: { id: string } }>('apps', 'GET', '/repos/apps/shop/branches/main');
  return branch.commit.id;
}

function setStatus(user: string, sha: string, state: string, description: string): Promise<unknown> {
  return world.gitea.api(user, 'POST', `/repos/apps/shop/statuses/${sha}`, {
    context: 'integration-test',
    state,
    description,
  });
}

test.each(['1234567', '12345e7', '0123456', '9'.repeat(40), 'c0ffee1'])(
  'the tag %s is written to the branch of the stage as a string, and Argo CD is asked for that commit',
  async (tag) => {
    const promotion = await world.promote('beta', await world.freight(tag, 'ci'));
    const end = await world.ended(promotion);
    expect(end, JSON.stringify(end)).toMatchObject({ phase: 'Succeeded' });
    const { text, commit: head } = await world.promoted('beta');
    expect(load(text)).toEqual({ image: { tag } });
    expect(end.healthChecks).toEqual([
      {
        uses: 'argocd-update',
        config: { apps: [{ name: 'shop-beta', namespace: 'argocd', desiredRevisions: ['', head] }] },
      },
    ]);
  },
);

test('the Stage tells within a minute which tag it holds, and so does anyone who asks the API', async () => {
  const tag = 'abc0000';
  await world.ended(await world.promote('beta', await world.freight(tag, 'ci')));
  const stage = await until('the Stage to tell its tag', async () => {
    const { body } = await world.plane.request('GET', '/apis/kargo.akuity.io/v1alpha1/namespaces/shop-ci/stages/beta');
    const held = body.status.freightHistory?.[0]?.items['Warehouse/shop-images'].images[0].tag;
    return held === tag ? body : undefined;
  });
  expect(stage.status.lastPromotion.status.phase).toBe('Succeeded');
});

test('a registry that is away: the Warehouse says so, and tries again', async () => {
  const conditions = await until('the Warehouse to report', async () => {
    const { body } = await world.plane.request(
      'GET',
      '/apis/kargo.akuity.io/v1alpha1/namespaces/shop-ci/warehouses/shop-images',
    );
    const found = (body.status?.conditions ?? []) as { type: string; status: string; message: string }[];
    return found.some((each) => each.type === 'Ready' && each.status === 'False') ? found : undefined;
  });
  expect(conditions.map((each) => each.message).join('\n')).toContain('error listing tags');
  expect(await world.attempts('warehouse')).toBeGreaterThan(1);
});

test('a promotion whose first step was more than 15 minutes ago fails before it pushes', async () => {
  const before = await world.promoted('beta');
  const freight = await world.freight('abc1111', 'ci');
  // The next promotion's name is known: it counts up.
  const name = `beta.01m${'7'.padStart(23, '0')}.${freight.slice(0, 7)}`;
  await noteStart(world, freight, 'beta', name, Math.floor(Date.now() / 1000) - 901);
  expect(await world.promote('beta', freight)).toBe(name);
  const end = await world.ended(name);
  expect(end, JSON.stringify(end)).toMatchObject({ phase: 'Failed' });
  expect(end.message).toContain('started more than 15 minutes ago');
  expect(await world.promoted('beta')).toEqual(before);
});

test('a promotion whose controller was lost before the push, and came back too late, pushes nothing', async () => {
  const before = await world.promoted('beta');
  const freight = await world.freight('abc2222', 'ci');
  world.gitea.pause();
  const name = await world.promote('beta', freight);
  await until('the promotion to wait for the forge', async () => {
    const { phase } = await world.status(name);
    return phase === 'Running' && (await world.started(freight, 'beta')) === name ? true : undefined;
  });
  await world.loseController();
  await noteStart(world, freight, 'beta', name, Math.floor(Date.now() / 1000) - 901);
  world.gitea.resume();
  expect(await world.status(name)).toMatchObject({ phase: 'Running' });
  world.newController();
  const end = await world.ended(name);
  expect(end, JSON.stringify(end)).toMatchObject({ phase: 'Failed' });
  expect(end.message).toContain('nothing was pushed');
  expect(await world.promoted('beta')).toEqual(before);
});

test('evidence: waits without one, ignores one by somebody else, passes on success by ci', async () => {
  const sha = await commit();
  const promotion = await world.promote('ci', await world.freight(sha));
  const running = async () => ((await world.status(promotion)).phase === 'Running' ? true : undefined);
  await until('the promotion to poll', running);
  await setStatus('eve', sha, 'success', 'forged');
  await new Promise((resolve) => setTimeout(resolve, 25_000));
  expect(await world.status(promotion)).toMatchObject({ phase: 'Running' });
  await setStatus('ci', sha, 'success', '120 of 120 passed');
  const end = await world.ended(promotion);
  expect(end, JSON.stringify(end)).toMatchObject({ phase: 'Succeeded' });
});

test('evidence: fails on a failure by ci and says why', async () => {
  const sha = await commit();
  await setStatus('ci', sha, 'failure', '3 of 120 failed');
  const freights = await world.plane.request('GET', '/apis/kargo.akuity.io/v1alpha1/namespaces/shop-ci/freights');
  const name = freights.body.items.find((item: { images: { tag: string }[] }) => item.images[0]?.tag === sha).metadata
    .name;
  const end = await world.ended(await world.promote('ci', name));
  expect(end, JSON.stringify(end)).toMatchObject({ phase: 'Failed' });
  expect(end.message).toContain('integration-test failed: 3 of 120 failed');
});
