import { afterAll, beforeAll, expect, test } from 'vitest';
import { gateAnnotation } from '../../../model/gate/index.ts';
import { type PromotionWindow, weekdays } from '../../../model/promotion-window/index.ts';
import {
  address,
  caller,
  createPromotion,
  freight,
  mergePatch,
  project,
  refusal,
  stageObject,
} from '../../support/gate/cluster.ts';
import { alice, bob, exampleGate, gateObjects } from '../../support/gate/example.ts';
import { until } from '../../support/processes.ts';
import { type KargoPromotion, type KargoWorld, startKargo } from './kargo.ts';

const [ada, ben] = [alice, bob].map((actor) => actor.replace('email:', '')) as [string, string];
const always: PromotionWindow = { timeZone: 'America/New_York', days: weekdays, from: '00:00', to: '24:00' };
const open: PromotionWindow = { ...always, days: [weekdays[(new Date().getUTCDay() + 2) % 7] ?? 'Mon'] };
const justification = { [gateAnnotation.breakGlass]: 'orders are rejected, rolling back' };
const note = { [gateAnnotation.note]: 'release 12' };

let world: KargoWorld;

const promote = (who: string, stage: string) =>
  world.kargo(who, 'POST', `/v1beta1/projects/${project}/stages/${stage}/promotions`, {
    freight: world.freight,
  });

/** The way of the desk and the command line: a manifest with annotations, sent to Kargo. */
function promoteWith(who: string, stage: string, annotations: Record<string, string>) {
  const manifest = {
    apiVersion: 'kargo.akuity.io/v1alpha1',
    kind: 'Promotion',
    metadata: { name: 'to-be-named', namespace: project, annotations },
    spec: { stage, freight: world.freight },
  };
  return world.kargo(who, 'POST', '/v1beta1/resources', manifest, 'text/plain');
}

const text = (answer: { status: number; body: unknown }) => `${answer.status} ${JSON.stringify(answer.body)}`;
const last = async (stage: string) => (await world.promotions(stage)).at(-1) as KargoPromotion;
const reach = (stage: string, phase: string, name?: string) =>
  until(
    `${name ?? stage} is ${phase}`,
    async () => {
      const all = await world.promotions(stage);
      const one = name === undefined ? all.at(-1) : all.find((candidate) => candidate.metadata.name === name);
      if (one?.status?.phase === phase) return one;
      await world.refresh('kargo/stages', stage);
      if (one !== undefined) await world.refresh('kargo/promotions', one.metadata.name);
      return undefined;
    },
    90_000,
  );

beforeAll(async () => {
  world = await startKargo();
  await world.plane.apply(gateObjects(exampleGate(always)), { as: caller.setUp.as });
  await until('the gate is in force', async () => {
    const answers = await Promise.all([
      createPromotion(world.plane, {}, { stage: 'paper', actor: 'kubernetes:admin' }, true),
      world.plane.request('POST', `${address('kargo/stages', { namespace: project })}?dryRun=All`, stageObject('zz')),
    ]);
    return answers.every((answer) => answer.status === 403) ? true : undefined;
  });
});
afterAll(() => world?.stop());

test('a stage without a gate is promoted in the window, with every status write of the real controller', async () => {
  expect(text(await promote(ada, 'beta'))).toMatch(/^201 /);
  const done = await reach('beta', 'Succeeded');
  expect(done.metadata.annotations?.['kargo.akuity.io/create-actor']).toBe(alice);
});

test('automatic promotion is refused, and the Stage says why and for how long', async () => {
  const condition = await until(
    'the Stage tells',
    async () => {
      const { body } = await world.plane.request('GET', address('kargo/stages', { namespace: project, name: 'paper' }));
      const conditions = (body.status?.conditions ?? []) as Array<{ type: string; message?: string }>;
      const found = conditions.find(({ message }) => message?.includes('blocked: paper'));
      if (found === undefined) await world.refresh('kargo/stages', 'paper');
      return found;
    },
    90_000,
  );
  expect(condition.message).toMatch(/market hours .*It opens in (\d+h)?\d+m\. Promote then, or break glass/);
  expect(await world.promotions('paper')).toEqual([]);
});

test('by hand through the REST API: refused for a person and for the shared account, and the text reaches the caller', async () => {
  for (const who of [ada, 'admin'])
    expect(text(await promote(who, 'paper'))).toMatch(/^403 .*blocked: paper takes no promotion/);
});

test('the administrator of Kargo changes no Stage through it', async () => {
  const answer = await world.kargo('admin', 'POST', '/v1beta1/resources', stageObject('zz-git'), 'text/plain');
  expect(text(answer)).toContain('pipeline: it is defined in Git');
});

test('break-glass: refused for others, with the actor that Kargo stamped; carried out for the one who may', async () => {
  expect(text(await promoteWith(ben, 'paper', justification))).toMatch(/email:bob@example.org may not override/);
  const spoofed = { ...justification, 'kargo.akuity.io/create-actor': alice };
  expect(text(await promoteWith(ben, 'paper', spoofed))).toMatch(/email:bob@example.org may not override/);
  expect(text(await promoteWith('admin', 'paper', justification))).toMatch(/admin may not override/);
  expect(text(await promoteWith(ada, 'paper', justification))).toMatch(/^201 /);
  const done = await reach('paper', 'Succeeded');
  expect(done.metadata.annotations).toMatchObject({ ...justification, 'kargo.akuity.io/create-actor': alice });
  expect(text(await promote(ada, 'paper'))).toMatch(/^403 .*blocked: paper/);
});

/** A promotion from before the window: only the set-up can still create one now. */
async function queueOne(): Promise<string> {
  const answer = await createPromotion(
    world.plane,
    { as: caller.setUp.as, groups: ['system:masters'] },
    { stage: 'paper', freight: world.freight },
  );
  expect(refusal(answer)).toMatch(/^201 /);
  return answer.body.metadata.name as string;
}

test('a queued promotion waits, an emergency behind it too, until what is ahead is aborted', async () => {
  const queued = await queueOne();
  await reach('paper', 'Pending', queued);
  expect(text(await promoteWith(ada, 'paper', justification))).toMatch(/^201 /);
  const emergency = (await last('paper')).metadata.name;
  expect(emergency > queued).toBe(true);
  await reach('paper', 'Pending', emergency);
  expect(text(await world.kargo(ada, 'POST', `/v1beta1/projects/${project}/promotions/${queued}/abort`))).toMatch(
    /^20\d /,
  );
  await reach('paper', 'Aborted', queued);
  await reach('paper', 'Succeeded', emergency);
});

test('live: a note is wanted also in an emergency; nothing is promoted automatically', async () => {
  expect(text(await promoteWith(ada, 'live', justification))).toMatch(/^403 .*note: a promotion to live needs a note/);
  expect(text(await promoteWith(ada, 'live', { ...justification, ...note }))).toMatch(/^201 /);
  await reach('live', 'Succeeded');
});

test('when the window opens, the queued promotion starts by itself, and people promote again', async () => {
  const queued = await queueOne();
  await reach('paper', 'Pending', queued);
  await world.plane.apply(gateObjects(exampleGate(open)), { as: caller.setUp.as });
  await reach('paper', 'Succeeded', queued);
  await until('creation is open too', async () => ((await promote(ada, 'paper')).status === 201 ? true : undefined));
  await reach('paper', 'Succeeded');
  expect(text(await promote(ada, 'live'))).toMatch(/^403 .*note: a promotion to live needs a note/);
  expect(text(await promoteWith('admin', 'live', note))).toMatch(/^403 .*admin names nobody/);
  expect(text(await promoteWith(ben, 'live', note))).toMatch(/^201 /);
  await reach('live', 'Succeeded');
});

test('automatic promotion goes through by itself once the window is open', async () => {
  const next = {
    ...freight,
    metadata: { ...freight.metadata, name: 'ignored', labels: {} },
    alias: 'brave-stork',
    images: [{ ...freight.images[0], tag: 'b'.repeat(40) }],
  };
  const before = (await world.promotions('paper')).length;
  const made = await world.plane.request('POST', address('kargo/freights', { namespace: project }), next, {
    as: caller.setUp.as,
    groups: ['system:masters'],
  });
  expect(refusal(made)).toMatch(/^201 /);
  const verified = { status: { verifiedIn: { beta: { verifiedAt: new Date().toISOString() } } } };
  const target = address('kargo/freights', { namespace: project, name: made.body.metadata.name, sub: 'status' });
  const answer = await world.plane.request('PATCH', target, verified, {
    as: caller.setUp.as,
    groups: ['system:masters'],
    contentType: mergePatch,
  });
  expect(refusal(answer)).toMatch(/^200 /);
  await until(
    'the automatic promotion',
    async () => {
      if ((await world.promotions('paper')).length > before) return true;
      await world.refresh('kargo/stages', 'paper');
      return undefined;
    },
    90_000,
  );
  const done = await reach('paper', 'Succeeded');
  expect(done.metadata.annotations?.['kargo.akuity.io/create-actor']).toBeUndefined();
});
