import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { lowContrast } from '../support/desk/accessibility.ts';
import { type DeskPage, launchBrowser, openPage, type PageOptions } from '../support/desk/browser.ts';
import { standInDashboard } from '../support/desk/stand-in-dashboard.ts';
import {
  alice,
  chain,
  populate,
  project,
  risk,
  startWorld,
  type World,
  type WorldOptions,
} from '../support/desk/world.ts';

let browser: Browser;
let world: World;
let opened: DeskPage;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
});
afterEach(async () => {
  await opened.context.close();
  expect(world.kargo.unknown, 'requests that Kargo does not have').toEqual([]);
  expect(opened.foreign, 'requests to other hosts').toEqual([]);
  await world.close();
});

const openAt = '2026-11-27T18:30:00-05:00';
const blockedAt = '2026-11-27T13:47:00-05:00';

interface Options extends PageOptions, WorldOptions {
  /** Done before the dashboard is opened. */
  readonly before?: (page: Page) => Promise<unknown>;
}

async function open(at: string, options: Options = {}): Promise<Page> {
  world = await startWorld({ ...options, at, browser: true });
  populate(world, world.now());
  world.kargo.document = standInDashboard;
  opened = await openPage(browser, world, { token: alice, ...options });
  await options.before?.(opened.page);
  await opened.page.goto(`${world.url}/project/${project}`);
  await opened.page.getByText('ready').waitFor();
  return opened.page;
}

const ribbon = (page: Page, stage: string) => page.locator(`[id="stage/uid-${stage}/${stage}"] .pipelines-gate-ribbon`);
const dialog = (page: Page) => page.getByRole('dialog');
/** The dashboard goes on with the one promotion that was made. */
const promoted = (page: Page) =>
  expect
    .poll(() => page.locator('#page').textContent())
    .toSatisfy((text) => text === `promotion ${made()[0]?.metadata?.name}`);
const made = () => [...world.kargo.promotions.values()];
const posts = () => world.kargo.seen.filter(({ method }) => method === 'POST').map(({ url }) => url);

describe('ribbons', () => {
  test('say blocked with the time left on gated stages, count down, and lead to the history', async () => {
    const page = await open('2026-11-27T15:58:30-05:00');
    await expect.poll(() => ribbon(page, 'paper').textContent()).toMatch(/^BLOCKED – opens in 1m \d\ds$/);
    const before = await ribbon(page, 'live').textContent();
    await expect.poll(() => ribbon(page, 'live').textContent()).not.toBe(before);
    expect(await ribbon(page, 'live').getAttribute('title')).toContain(
      'market hours 09:30-16:00 America/New_York, Mon-Fri',
    );
    expect(await ribbon(page, 'live').getAttribute('href')).toBe('/desk/history?stage=live');
    expect(await ribbon(page, 'beta').count()).toBe(0);
    expect(await lowContrast(page)).toEqual([]);
    world.setTime(new Date(world.now().getTime() + 90_000).toISOString());
    await page.clock.fastForward(90_000);
    await expect.poll(() => ribbon(page, 'paper').textContent()).toMatch(/^ALLOWED – closes in 2d17h30m$/);
  });

  test('come back when the graph mounts its nodes again', async () => {
    const page = await open(blockedAt);
    await ribbon(page, 'live').waitFor();
    await page.getByRole('button', { name: 'Mount again' }).click();
    await ribbon(page, 'live').waitFor();
    expect(await ribbon(page, 'live').count()).toBe(1);
  });

  test('say what is switched off and whose evidence is waived', async () => {
    const page = await open(openAt, {
      chain: chain.map((stage) =>
        stage.name === 'ci' || stage.name === 'paper' ? { ...stage, enabled: false } : stage,
      ),
    });
    await expect.poll(() => ribbon(page, 'paper').textContent()).toBe('SWITCHED OFF');
    expect(await ribbon(page, 'beta').textContent()).toBe('EVIDENCE WAIVED');
    expect(await ribbon(page, 'live').textContent()).toContain('evidence waived');
  });
});

describe('promotions of the stock dashboard', () => {
  test('ask for the note; the dashboard goes on with the promotion that was made', async () => {
    const page = await open(openAt);
    await page.getByRole('button', { name: 'Promote to live' }).click();
    await dialog(page).getByLabel('Note (required)').fill('Weekly release');
    await dialog(page).getByRole('button', { name: 'Promote to live' }).click();
    await promoted(page);
    expect(made()[0]?.metadata?.annotations).toMatchObject({ 'pipelines.celestium.life/note': 'Weekly release' });
    expect(posts()).toEqual(['/v1beta1/resources']);
    expect(opened.errors).toEqual([]);
  });

  test('cancelled: nothing is sent and no error is shown', async () => {
    const page = await open(openAt);
    await page.getByRole('button', { name: 'Promote to live' }).click();
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => page.locator('#page').textContent()).toBe('stopped by AbortError');
    expect(await page.locator('#toast').textContent()).toBe('');
    expect(posts()).toEqual([]);
  });

  test('break glass from the dashboard', async () => {
    const page = await open(blockedAt, { token: risk });
    await page.getByRole('button', { name: 'Promote to paper' }).click();
    await dialog(page).getByRole('button', { name: 'Break glass…' }).click();
    await dialog(page).getByLabel('Justification (required)').fill('Orders are rejected by the broker');
    await dialog(page).getByLabel('Type paper to confirm').fill('paper');
    await dialog(page).getByRole('button', { name: 'Break glass and promote to paper' }).click();
    await expect.poll(() => page.locator('#page').textContent()).toContain('promotion paper.');
    expect(world.recorder.attempts).toEqual([
      expect.objectContaining({ type: 'break-glass-announced', actor: 'email:risk@example.org' }),
    ]);
  });

  test('downstream: one dialog per target, and what failed is said', async () => {
    const page = await open(openAt);
    const paper = world.kargo.stages.get('paper')!;
    // A second follower of beta that is not in the chain: it goes straight to Kargo, which does not know it.
    world.kargo.stages.set('shadow', { ...paper, metadata: { ...paper.metadata, name: 'shadow', uid: 'uid-shadow' } });
    await page.getByRole('button', { name: 'Promote downstream of beta' }).click();
    await dialog(page).getByRole('button', { name: 'Promote to paper' }).click();
    await dialog(page).getByText('Not promoted everywhere').waitFor();
    await dialog(page).getByText('shadow: stage.kargo.akuity.io "shadow" not found').waitFor();
    await dialog(page).getByRole('button', { name: 'Close' }).click();
    await promoted(page);
    expect(made()).toHaveLength(1);
  });

  test('other refusals of the gate are shown in words', async () => {
    const page = await open(openAt);
    await page.getByRole('button', { name: 'Approve for live' }).click();
    await expect
      .poll(() => page.locator('#toast').textContent())
      .toBe('approval: Freight reaches live by way of the stages before it');
  });

  test('a log-in that was asked for by the desk ends at the desk', async () => {
    const page = await open(openAt);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('article', { name: 'live' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/desk/');
  });
});

describe('if our part fails, the dashboard goes on and the gate holds', () => {
  test('the script does not load', async () => {
    const page = await open(openAt, { before: (one) => one.route('**/desk/assets/**', (route) => route.abort()) });
    await page.getByRole('button', { name: 'Promote to paper' }).click();
    await promoted(page);
    await page.getByRole('button', { name: 'Promote to live' }).click();
    await expect
      .poll(() => page.locator('#toast').textContent())
      .toContain('denied request: note: a promotion to live needs a note');
  });

  test('the desk does not answer: the request goes its ordinary way, refusals still in words', async () => {
    const page = await open(openAt, {
      before: (one) => one.route('**/desk/api/**', (route) => route.fulfill({ status: 503, body: 'no pods' })),
    });
    await page.getByRole('button', { name: 'Promote to live' }).click();
    await expect.poll(() => page.locator('#toast').textContent()).toMatch(/^note: a promotion to live needs a note/);
    await page.getByRole('button', { name: 'Promote to paper' }).click();
    await promoted(page);
  });

  test('the desk goes away behind an open dialog: the promotion goes straight to Kargo, with its note', async () => {
    const page = await open(openAt);
    await page.getByRole('button', { name: 'Promote to live' }).click();
    await dialog(page).getByLabel('Note (required)').fill('Weekly release');
    await page.route('**/desk/api/promotions', (route) => route.fulfill({ status: 503, body: 'no pods' }));
    await dialog(page).getByRole('button', { name: 'Promote to live' }).click();
    await promoted(page);
    expect(made()[0]?.metadata?.annotations).toMatchObject({ 'pipelines.celestium.life/note': 'Weekly release' });
  });

  test('no storage: the dashboard is as it was', async () => {
    const page = await open(openAt, {
      token: undefined,
      before: (one) =>
        one.addInitScript(() => {
          Object.defineProperty(window, 'localStorage', {
            get() {
              throw new DOMException('no storage', 'SecurityError');
            },
          });
        }),
    });
    expect(await page.locator('#page').textContent()).toBe('ready');
  });
});
