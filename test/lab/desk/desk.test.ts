import { mkdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DateTime } from 'luxon';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { gateAnnotation } from '../../../model/gate/index.ts';
import { type PromotionWindow, weekdays } from '../../../model/promotion-window/index.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import { deskServer } from '../../../runtime/desk/server/desk-server.ts';
import { launchBrowser } from '../../support/desk/browser.ts';
import { FakeRecorder } from '../../support/desk/fake-recorder.ts';
import { caller, createPromotion, project } from '../../support/gate/cluster.ts';
import { alice, bob, exampleGate, gateObjects } from '../../support/gate/example.ts';
import { until } from '../../support/processes.ts';
import { type KargoWorld, startKargo } from '../gate/kargo.ts';
import { labProgram } from '../lab.ts';
import { startFront } from './front.ts';

const [ada, ben] = [alice, bob].map((actor) => actor.replace('email:', '')) as [string, string];
const newYork = DateTime.now().setZone('America/New_York');
/** Blocked whenever the test runs: from midnight until two hours from now, today. */
const end = newYork.plus({ minutes: 133 });
const closed: PromotionWindow = {
  timeZone: 'America/New_York',
  days: [weekdays[newYork.weekday - 1] ?? 'Mon'],
  from: '00:00',
  to: end.hasSame(newYork, 'day') ? end.toFormat('HH:mm') : '24:00',
};
const open: PromotionWindow = { ...closed, days: [weekdays[(newYork.weekday + 1) % 7] ?? 'Mon'] };

let kargo: KargoWorld;
let front: Awaited<ReturnType<typeof startFront>>;
let desk: Server;
let url: string;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const recorder = new FakeRecorder();
const errors: string[] = [];

function chain(window: PromotionWindow): readonly Stage[] {
  return exampleGate(window).stages.map(
    (stage) => ({ ...stage, kind: stage.name === 'ci' ? 'ci' : 'deploy' }) as Stage,
  );
}

async function startDesk(stages: readonly Stage[]): Promise<void> {
  const build = path.resolve('build/browser');
  desk = deskServer({
    settings: { project, stages, kargoUrl: front.url, usernameClaim: 'email', image: 'registry.example.org/app' },
    files: {
      page: readFileSync(path.join(build, 'desk-page.js'), 'utf8'),
      dashboard: readFileSync(path.join(build, 'desk-dashboard.js'), 'utf8'),
      style: readFileSync('runtime/desk/page/page.css', 'utf8'),
    },
    recorder,
    log: { info() {}, warn() {} },
  });
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(desk.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  kargo = await startKargo();
  front = await startFront(labProgram('kargo-ui'), kargo.url);
  await startDesk(chain(closed));
  browser = await launchBrowser();
  await kargo.plane.apply(gateObjects(exampleGate(closed)), { as: caller.setUp.as });
  await until('the gate is in force', async () => {
    const probe = { stage: 'paper', actor: 'kubernetes:admin' };
    return (await createPromotion(kargo.plane, {}, probe, true)).status === 403 ? true : undefined;
  });
  // Through beta, so that paper has something to promote.
  const target = `/v1beta1/projects/${project}/stages/beta/promotions`;
  await until('Kargo to see the build', async () =>
    (await kargo.kargo(ada, 'POST', target, { freight: kargo.freight })).status === 201 ? true : undefined,
  );
  await until(
    'beta to be verified',
    async () => {
      await kargo.refresh('kargo/stages', 'beta');
      const { body } = await kargo.kargo(ada, 'GET', `/v1beta1/projects/${project}/freight/${kargo.freight}`);
      return body?.status?.verifiedIn?.beta ? true : undefined;
    },
    120_000,
  );
});
afterAll(async () => {
  await browser?.close();
  desk?.closeAllConnections();
  await new Promise((resolve) => (desk ? desk.close(resolve) : resolve(undefined)));
  await front?.stop();
  await kargo?.stop();
});
afterEach(async () => {
  await context?.close();
});

async function openAs(who: string, target: string): Promise<void> {
  context = await browser.newContext({ viewport: { width: 1360, height: 860 }, locale: 'en-GB' });
  await context.addInitScript((token) => localStorage.setItem('auth_token', token), kargo.token(who));
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  errors.length = 0;
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${url}${target}`);
}

async function picture(name: string): Promise<void> {
  if (!process.env.DESK_PICTURES) return;
  mkdirSync('docs/desk', { recursive: true });
  await page.screenshot({ path: `docs/desk/${name}.png` });
}

const ribbon = (stage: string) => page.locator(`[id^="stage/"][id$="/${stage}"] .pipelines-gate-ribbon`);
const dialog = () => page.getByRole('dialog').filter({ has: page.locator('#title') });
/** Opens the menu of a stage's node in Kargo's graph. */
async function menu(stage: string, item: string): Promise<void> {
  await page.locator(`[id^="stage/"][id$="/${stage}"]`).getByRole('button').nth(-2).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

test('ribbons are on the stages of the real dashboard, and count down', async () => {
  await openAs(ada, `/project/${project}`);
  await ribbon('paper').waitFor();
  expect(await ribbon('paper').textContent()).toMatch(/^BLOCKED – opens in /);
  expect(await ribbon('live').textContent()).toMatch(/^BLOCKED – opens in /);
  expect(await ribbon('beta').count()).toBe(0);
  await picture('kargo-blocked');
  expect(errors).toEqual([]);
});

test('promote from the real dashboard while blocked: break glass through the dialog, past the real gate', async () => {
  await openAs(ada, `/project/${project}/promote/freight/${kargo.freight}/stage/paper`);
  await page
    .getByRole('button', { name: /^Promote$/ })
    .last()
    .click();
  await dialog().getByText('Blocked').first().waitFor();
  await picture('kargo-dialog');
  await dialog().getByRole('button', { name: 'Break glass…' }).click();
  await dialog().getByLabel('Justification (required)').fill('Orders are rejected by the broker');
  await dialog().getByLabel('Type paper to confirm').fill('paper');
  await picture('kargo-break-glass');
  await dialog().getByRole('button', { name: 'Break glass and promote to paper' }).click();
  // The dashboard goes to the promotion that was made, as after its own promote.
  await page.waitForURL(/\/promotion\/paper\./);
  const made = await until('the promotion', async () => (await kargo.promotions('paper')).at(-1));
  expect(made.metadata.annotations).toMatchObject({
    [gateAnnotation.breakGlass]: 'Orders are rejected by the broker',
    'kargo.akuity.io/create-actor': alice,
  });
  await until(
    'it to succeed',
    async () => {
      await kargo.refresh('kargo/stages', 'paper');
      return (await kargo.promotions('paper')).at(-1)?.status?.phase === 'Succeeded' ? true : undefined;
    },
    90_000,
  );
  expect(recorder.attempts).toEqual([expect.objectContaining({ type: 'break-glass-announced', actor: alice })]);
  expect(errors).toEqual([]);
});

test('who may not break glass is told by whom it may be, and the gate refuses the same', async () => {
  await openAs(ben, `/project/${project}/promote/freight/${kargo.freight}/stage/paper`);
  await page
    .getByRole('button', { name: /^Promote$/ })
    .last()
    .click();
  await dialog().getByText(`Break-glass is for ${alice}.`).waitFor();
  expect(await dialog().getByRole('button', { name: 'Break glass…' }).isDisabled()).toBe(true);
  await dialog().getByRole('button', { name: 'Cancel' }).click();
  await expect.poll(() => dialog().count()).toBe(0);
});

test('a break-glass from the desk’s own page aborts what waits, and passes once', async () => {
  await createPromotion(
    kargo.plane,
    { as: caller.setUp.as, groups: ['system:masters'] },
    { stage: 'paper', freight: kargo.freight },
  );
  const waiting = (await kargo.promotions('paper')).at(-1)?.metadata.name ?? '';
  await until(
    'it to wait',
    async () => {
      await kargo.refresh('kargo/stages', 'paper');
      return (await kargo.promotions('paper')).find((one) => one.metadata.name === waiting)?.status?.phase === 'Pending'
        ? true
        : undefined;
    },
    90_000,
  );
  await openAs(ada, '/desk/');
  await page.getByRole('article', { name: 'paper' }).getByText('Blocked').waitFor();
  await page.getByRole('table').getByText('here').first().waitFor();
  await picture('desk-real');
  // The same build once more, which only the stage's own list offers no longer: by way of the API, with the page's token.
  const answer = await page.evaluate(
    async ({ freightName, abort }) => {
      const response = await fetch('/desk/api/promotions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${localStorage.getItem('auth_token')}` },
        body: JSON.stringify({
          stage: 'paper',
          freight: freightName,
          tag: 'a'.repeat(40),
          breakGlass: 'Once more, it was not enough',
          abort,
        }),
      });
      return { status: response.status, body: await response.json() };
    },
    { freightName: kargo.freight, abort: [waiting] },
  );
  expect(answer).toMatchObject({ status: 201, body: { aborted: [waiting], warnings: [] } });
  await until(
    'the queued one to be aborted, the emergency to succeed',
    async () => {
      await kargo.refresh('kargo/promotions', waiting);
      await kargo.refresh('kargo/stages', 'paper');
      const all = await kargo.promotions('paper');
      const phase = (name: string) => all.find((one) => one.metadata.name === name)?.status?.phase;
      return phase(waiting) === 'Aborted' && phase(answer.body.promotion) === 'Succeeded' ? true : undefined;
    },
    90_000,
  );
});

test('instant promote asks too; live wants its note, and takes it once the window is open', async () => {
  await kargo.plane.apply(gateObjects(exampleGate(open)), { as: caller.setUp.as });
  desk.closeAllConnections();
  await new Promise((resolve) => desk.close(resolve));
  await startDesk(chain(open));
  await until('live takes promotions', async () => {
    const answer = await kargo.kargo(ben, 'POST', `/v1beta1/projects/${project}/stages/live/promotions`, {
      freight: kargo.freight,
    });
    return JSON.stringify(answer.body).includes('needs a note') ? true : undefined;
  });
  await openAs(ben, `/project/${project}`);
  await ribbon('live').waitFor();
  expect(await ribbon('live').textContent()).toMatch(/^ALLOWED – closes in /);
  await menu('live', 'Instant promote from upstream');
  await dialog().getByText('Write a note: it is required here.').waitFor();
  await dialog().getByLabel('Note (required)').fill('Weekly release');
  await picture('kargo-promote');
  await dialog().getByRole('button', { name: 'Promote to live' }).click();
  await page.waitForURL(/\/promotion\/live\./);
  const made = (await kargo.promotions('live')).at(-1);
  expect(made?.metadata.annotations).toMatchObject({
    [gateAnnotation.note]: 'Weekly release',
    'kargo.akuity.io/create-actor': bob,
  });
});
