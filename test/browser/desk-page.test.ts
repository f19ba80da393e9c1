import { readFileSync } from 'node:fs';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { KargoStage } from '../../runtime/desk/kargo/types.ts';
import { lowContrast, nameless, sideways } from '../support/desk/accessibility.ts';
import { type DeskPage, launchBrowser, openPage, type PageOptions, picture } from '../support/desk/browser.ts';
import {
  alice,
  chain,
  facts,
  populate,
  project,
  risk,
  startWorld,
  tags,
  type World,
  type WorldOptions,
} from '../support/desk/world.ts';

let browser: Browser;
let world: World;
let opened: DeskPage | undefined;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
});
afterEach(async () => {
  await opened?.context.close();
  expect(world.kargo.unknown, 'requests that Kargo does not have').toEqual([]);
  expect(opened?.foreign, 'requests to other hosts').toEqual([]);
  await world.close();
});

/** Evening and weekend: open. Friday, 13:47 in New York: blocked. */
const openAt = '2026-11-27T18:30:00-05:00';
const blockedAt = '2026-11-27T13:47:00-05:00';

async function open(
  at: string,
  options: PageOptions & WorldOptions & { path?: string; history?: number } = {},
): Promise<Page> {
  world = await startWorld({ ...options, at, browser: true });
  populate(world, world.now());
  world.recorder.add(...facts(options.history ?? 60, world.now()));
  opened = await openPage(browser, world, { token: alice, ...options });
  await opened.page.goto(`${world.url}${options.path ?? '/desk/'}`);
  return opened.page;
}

const card = (page: Page, name: string) => page.getByRole('article', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
/** What is shown of a part of the page. */
const textOf = async (part: Locator) => (await part.allInnerTexts()).join('\n');
const promoteButton = (page: Page, stage: string) => card(page, stage).getByRole('button', { name: /^Promote/ });

/** Milliseconds from a click on History until it shows so many rows. */
async function timeToHistory(page: Page, rows: number): Promise<number> {
  return page.evaluate(async (wanted) => {
    const root = document.querySelector('promotion-desk')!.shadowRoot!;
    const from = performance.now();
    root.querySelector<HTMLElement>('a[href="/desk/history"]')?.click();
    while ((root.querySelector('history-view')?.shadowRoot?.querySelectorAll('tbody tr').length ?? 0) < wanted) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return performance.now() - from;
  }, rows);
}

describe('stages', () => {
  test('show tag, commit link, since when, health, gate and the next change', async () => {
    const page = await open(openAt);
    const live = card(page, 'live');
    await expect
      .poll(() => live.getByRole('link', { name: `Commit ${tags.live}` }).getAttribute('href'))
      .toBe(`https://git.example.org/stonks/stonks-oracle/commit/${tags.live}`);
    const text = await textOf(live);
    for (const part of [
      '4f1c2a9be07d',
      'for 3 d',
      'Healthy',
      'Allowed',
      'closes in 2d15h00m',
      'Mon 09:30 EST',
      'a note by a named person',
    ]) {
      expect(text).toContain(part);
    }
    expect(await textOf(card(page, 'paper'))).toContain('123456789012');
    expect(await textOf(card(page, 'ci'))).toContain('integration-test failed: 3 of 120 failed');
    expect(await textOf(page.getByRole('table'))).toContain(
      'its promotion to ci failed: integration-test failed: 3 of 120 failed',
    );
    await picture(page, 'stages');
    expect(await lowContrast(page)).toEqual([]);
    expect(await nameless(page)).toEqual([]);
    expect(opened?.errors).toEqual([]);
  });

  test('are readable in the dark, blocked, with the time that is left', async () => {
    const page = await open(blockedAt, { dark: true });
    await card(page, 'live').getByText('Blocked').waitFor();
    expect(await textOf(card(page, 'live'))).toContain('opens in 2h13m');
    await picture(page, 'stages-blocked-dark');
    expect(await lowContrast(page)).toEqual([]);
  });

  test('fit on a phone', async () => {
    const page = await open(blockedAt, { width: 360, height: 740 });
    await card(page, 'live').waitFor();
    expect(await sideways(page)).toBe(0);
    await picture(page, 'phone');
    await page.goto(`${world.url}/desk/history`);
    await page.getByText('60 entries').waitFor();
    expect(await sideways(page)).toBe(0);
    expect(await lowContrast(page)).toEqual([]);
  });

  test('a stage that is switched off, and evidence that is waived', async () => {
    const off = chain.map((stage) =>
      stage.name === 'ci' || stage.name === 'paper' ? { ...stage, enabled: false } : stage,
    );
    const page = await open(openAt, { chain: off });
    await card(page, 'paper').getByText('Switched off').first().waitFor();
    expect(await textOf(card(page, 'live'))).toContain('evidence waived: ci is switched off');
    expect(await card(page, 'paper').getByRole('button').count()).toBe(0);
    await picture(page, 'switches');
    expect(await lowContrast(page)).toEqual([]);
  });

  test('change within seconds of a change in Kargo', async () => {
    const page = await open(openAt);
    await card(page, 'live').getByText('4f1c2a9be07d').waitFor();
    const live = world.kargo.stages.get('live')!;
    const item = {
      name: 'f-paper'.padEnd(40, '2'),
      images: [{ repoURL: 'registry.example.org/stonks-oracle/query-api', tag: tags.paper }],
    };
    world.kargo.stages.set('live', {
      ...live,
      status: { ...live.status, freightHistory: [{ items: { x: item } }], health: { status: 'Progressing' } },
    } as KargoStage);
    const from = performance.now();
    await card(page, 'live').getByText('123456789012').first().waitFor();
    await card(page, 'live').getByText('Progressing').waitFor();
    expect(performance.now() - from).toBeLessThan(15_000);
  });
});

describe('the clock', () => {
  test('16:00 passes: blocked becomes allowed, in the cards and in a dialog that is open', async () => {
    const page = await open('2026-11-27T15:58:00-05:00', { token: risk });
    await card(page, 'paper')
      .getByText(/opens in 1m \d\ds/)
      .waitFor();
    await promoteButton(page, 'paper').click();
    await dialog(page).getByRole('button', { name: 'Break glass…' }).waitFor();
    expect(await dialog(page).getByRole('button', { name: 'Promote to paper' }).isDisabled()).toBe(true);
    world.setTime(new Date(world.now().getTime() + 120_000).toISOString());
    await page.clock.fastForward(120_000);
    await dialog(page).getByText('Allowed').first().waitFor();
    expect(await dialog(page).getByRole('button', { name: 'Break glass…' }).count()).toBe(0);
    await dialog(page).getByRole('button', { name: 'Promote to paper' }).click();
    await page.getByText(/^Promotion paper\..* was created/).waitFor();
    await card(page, 'paper').getByText('Allowed').waitFor();
  });

  test('the clocks go back: the countdown goes on, and Monday 09:30 is in winter time', async () => {
    const page = await open('2026-11-01T01:59:55-04:00');
    const live = card(page, 'live');
    await page.getByText(/Sun,? .*01:59:5\d EDT/).waitFor();
    expect(await textOf(live)).toContain('closes in 1d08h31m');
    await page.getByText(/Sun,? .*01:00:0\d EST/).waitFor();
    expect(await textOf(live)).toContain('closes in 1d08h30m');
    expect(await textOf(live)).toContain('Mon 09:30 EST');
  });

  test('the clocks go forward: the countdown goes on, and Monday 09:30 is in summer time', async () => {
    const page = await open('2026-03-08T01:59:55-05:00');
    const live = card(page, 'live');
    await page.getByText(/Sun,? .*01:59:5\d EST/).waitFor();
    expect(await textOf(live)).toContain('closes in 1d06h31m');
    await page.getByText(/Sun,? .*03:00:0\d EDT/).waitFor();
    expect(await textOf(live)).toContain('closes in 1d06h30m');
    expect(await textOf(live)).toContain('Mon 09:30 EDT');
  });

  test('a wrong clock of the user’s machine does no harm', async () => {
    world = await startWorld({ at: blockedAt, browser: true });
    populate(world, world.now());
    opened = await openPage(browser, world, { token: alice });
    await opened.page.clock.setSystemTime('2026-11-27T22:00:00-05:00');
    await opened.page.goto(`${world.url}/desk/`);
    await card(opened.page, 'live')
      .getByText(/opens in 2h1[23]m/)
      .waitFor();
  });
});

describe('promote', () => {
  test('to live: the note is required, and stays with the promotion', async () => {
    const page = await open(openAt);
    await promoteButton(page, 'live').click();
    const button = dialog(page).getByRole('button', { name: 'Promote to live' });
    await dialog(page).getByText('Write a note: it is required here.').waitFor();
    expect(await button.isDisabled()).toBe(true);
    await dialog(page).getByLabel('Note (required)').fill('Weekly release, agreed with trading');
    await picture(dialog(page), 'promote');
    expect(await lowContrast(page)).toEqual([]);
    expect(await nameless(page)).toEqual([]);
    await button.click();
    await page.getByText(/^Promotion live\..* was created/).waitFor();
    const [made] = [...world.kargo.promotions.values()];
    expect(made?.metadata?.annotations).toMatchObject({
      'pipelines.celestium.life/note': 'Weekly release, agreed with trading',
    });
    expect(opened?.errors).toEqual([]);
  });

  test('by keyboard alone; Escape leaves everything as it was, and the focus where it was', async () => {
    const page = await open(openAt);
    await promoteButton(page, 'paper').focus();
    await page.keyboard.press('Enter');
    await dialog(page).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => dialog(page).count()).toBe(0);
    expect(world.kargo.promotions.size).toBe(0);
    expect(
      await promoteButton(page, 'paper').evaluate((one) => (one.getRootNode() as ShadowRoot).activeElement === one),
    ).toBe(true);
    await page.keyboard.press('Enter');
    await dialog(page).getByLabel('Note (optional)').waitFor();
    await page.keyboard.type('By keyboard');
    for (let step = 0; step < 4; step += 1) {
      await page.keyboard.press('Tab');
      const focused = await dialog(page).evaluate((one) =>
        (one.getRootNode() as ShadowRoot).activeElement?.textContent?.trim(),
      );
      if (focused === 'Promote to paper') break;
    }
    await page.keyboard.press('Enter');
    await page.getByText(/^Promotion paper\..* was created/).waitFor();
    expect([...world.kargo.promotions.values()][0]?.metadata?.annotations).toMatchObject({
      'pipelines.celestium.life/note': 'By keyboard',
    });
  });

  test('blocked: reason, time left and a note field; break-glass only for its people', async () => {
    const page = await open(blockedAt);
    await promoteButton(page, 'live').click();
    const text = await textOf(dialog(page));
    expect(text).toContain('market hours 09:30-16:00 America/New_York, Mon-Fri, opens Fri 16:00 EST');
    expect(text).toContain('opens in 2h13m');
    expect(text).toContain('Break-glass is for email:risk@example.org.');
    await dialog(page).getByLabel('Note (required)').waitFor();
    expect(await dialog(page).getByRole('button', { name: 'Break glass…' }).isDisabled()).toBe(true);
    expect(await dialog(page).getByRole('button', { name: 'Promote to live' }).isDisabled()).toBe(true);
    await picture(dialog(page), 'blocked');
    expect(await lowContrast(page)).toEqual([]);
  });

  test('a refusal of the API server is told in words, and what was typed stays', async () => {
    const page = await open(openAt);
    await promoteButton(page, 'live').click();
    await dialog(page).getByLabel('Note (required)').fill('Weekly release');
    // The page believes that the window is open; the API server's clock says otherwise.
    world.kargo.users.set(alice, { actor: 'unknown actor' });
    await dialog(page).getByRole('button', { name: 'Promote to live' }).click();
    const refusal = dialog(page).getByRole('alert');
    await refusal.waitFor();
    expect(await textOf(refusal)).toContain(
      'approval: live is promoted by a named person, and unknown actor names nobody',
    );
    expect(await textOf(refusal)).not.toContain('ValidatingAdmissionPolicy');
    expect(await dialog(page).getByLabel('Note (required)').inputValue()).toBe('Weekly release');
    await picture(dialog(page), 'refused');
    expect(world.recorder.attempts).toEqual([expect.objectContaining({ type: 'promotion-denied' })]);
  });
});

describe('break glass', () => {
  test('asks for justification and the stage’s name, shows what is recorded and aborted, and passes once', async () => {
    const page = await open(blockedAt, { token: risk, height: 1150 });
    const freight = 'f-paper'.padEnd(40, '2');
    const waiting =
      world.kargo.addPromotion({ stage: 'live', freight, actor: 'email:bob@example.org', phase: 'Pending' }).metadata
        ?.name ?? '';
    const running =
      world.kargo.addPromotion({ stage: 'live', freight, actor: 'email:bob@example.org', phase: 'Running' }).metadata
        ?.name ?? '';
    await promoteButton(page, 'live').click();
    await dialog(page).getByLabel('Note (required)').fill('Hotfix for the broker');
    await dialog(page).getByRole('button', { name: 'Break glass…' }).click();
    const button = dialog(page).getByRole('button', { name: 'Break glass and promote to live' });
    const justification = dialog(page).getByLabel('Justification (required)');
    await justification.fill('too short');
    await dialog(page).getByText('9 of at least 15 characters').waitFor();
    expect(await button.isDisabled()).toBe(true);
    await justification.fill('Orders are rejected by the broker since 13:30');
    expect(await button.isDisabled()).toBe(true);
    await dialog(page).getByLabel('Type live to confirm').fill('paper');
    expect(await button.isDisabled()).toBe(true);
    await dialog(page).getByLabel('Type live to confirm').fill('live');
    const text = await textOf(dialog(page));
    for (const part of [
      'email:risk@example.org',
      'paper → live',
      tags.paper,
      'Orders are rejected by the broker since 13:30',
      'Hotfix for the broker',
      waiting,
    ]) {
      expect(text).toContain(part);
    }
    expect(await dialog(page).getByRole('checkbox', { name: waiting }).isChecked()).toBe(true);
    expect(await dialog(page).getByRole('checkbox', { name: running }).isChecked()).toBe(false);
    await picture(dialog(page), 'break-glass');
    expect(await lowContrast(page)).toEqual([]);
    expect(await nameless(page)).toEqual([]);
    await button.click();
    await page.getByText(`Aborted: ${waiting}.`).waitFor();
    expect(world.kargo.promotions.get(waiting)?.status?.phase).toBe('Aborted');
    expect(world.kargo.promotions.get(running)?.status?.phase).toBe('Running');
    expect([...world.kargo.promotions.values()].at(-1)?.metadata?.annotations).toMatchObject({
      'pipelines.celestium.life/break-glass': 'Orders are rejected by the broker since 13:30',
      'pipelines.celestium.life/note': 'Hotfix for the broker',
    });
    // The next one is blocked again.
    await promoteButton(page, 'live').click();
    expect(await dialog(page).getByRole('button', { name: 'Promote to live' }).isDisabled()).toBe(true);
  });

  test('invisible characters justify nothing', async () => {
    const page = await open(blockedAt, { token: risk });
    await promoteButton(page, 'paper').click();
    await dialog(page).getByRole('button', { name: 'Break glass…' }).click();
    await dialog(page).getByLabel('Justification (required)').fill('\u200b'.repeat(20));
    await dialog(page).getByLabel('Type paper to confirm').fill('paper');
    await dialog(page)
      .getByText(/^break-glass: the justification has to be one line/)
      .waitFor();
    expect(await dialog(page).getByRole('button', { name: 'Break glass and promote to paper' }).isDisabled()).toBe(
      true,
    );
  });

  test('what did not work is told although the promotion exists', async () => {
    const page = await open(blockedAt, { token: risk });
    world.recorder.down = true;
    await promoteButton(page, 'paper').click();
    await dialog(page).getByRole('button', { name: 'Break glass…' }).click();
    await dialog(page).getByLabel('Justification (required)').fill('Orders are rejected by the broker');
    await dialog(page).getByLabel('Type paper to confirm').fill('paper');
    await dialog(page).getByRole('button', { name: 'Break glass and promote to paper' }).click();
    await dialog(page).getByText('The audit recorder does not answer.').waitFor();
    await dialog(page).getByRole('button', { name: 'Close' }).click();
    await page.getByText(/^Promotion paper\..* was created/).waitFor();
  });
});

describe('when something is away', () => {
  test('without a session: the way to Kargo’s log-in, and on it goes once there is one', async () => {
    const page = await open(openAt, { token: undefined });
    const link = page.getByRole('link', { name: 'Log in with Kargo' });
    await link.waitFor();
    expect(await link.getAttribute('href')).toBe('/login?redirectTo=%2Fdesk%2F');
    await page.evaluate((token) => localStorage.setItem('auth_token', token), alice);
    await card(page, 'live').waitFor();
  });

  test('a session that ends is said, nothing more is shown, and nothing is lost', async () => {
    const page = await open(openAt);
    await card(page, 'live').waitFor();
    world.kargo.users.delete(alice);
    await page.getByText('Your session has ended.').waitFor();
    await picture(page, 'logged-out');
    expect(await card(page, 'live').count()).toBe(0);
  });

  test('Kargo away: the last state with its age, and the news when it is back', async () => {
    const page = await open(openAt);
    await card(page, 'live').waitFor();
    world.kargo.down = true;
    const alert = page.getByRole('alert');
    await alert.getByText('No connection').waitFor();
    expect(await textOf(alert)).toContain('Kargo does not answer');
    expect(await card(page, 'live').count()).toBe(1);
    await picture(page, 'no-connection');
    world.kargo.down = false;
    await expect.poll(() => alert.count(), { timeout: 15_000 }).toBe(0);
  });

  test('a gate that is not whole is said on every view', async () => {
    const page = await open(openAt);
    await card(page, 'live').waitFor();
    const at = world.now().toISOString();
    world.recorder.changes.push({
      seq: 1,
      kind: 'ValidatingAdmissionPolicyBinding',
      name: 'gate-promotion-create',
      change: 'removed',
      at,
    });
    world.setTime(new Date(world.now().getTime() + 20_000).toISOString());
    await page.clock.fastForward(20_000);
    const alert = page.getByRole('alert');
    await alert.getByText('The gate is not in force').waitFor();
    expect(await textOf(alert)).toContain('gate-promotion-create');
    await page.getByRole('link', { name: 'History', exact: true }).click();
    await alert.getByText('The gate is not in force').waitFor();
    expect(await lowContrast(page)).toEqual([]);
  });

  test('a project that Kargo does not show is not shown', async () => {
    world = await startWorld({ at: openAt, browser: true });
    populate(world, world.now());
    world.kargo.users.set(alice, { actor: 'email:alice@example.org', forbidden: ['read'] });
    opened = await openPage(browser, world, { token: alice });
    await opened.page.goto(`${world.url}/desk/`);
    await opened.page.getByText('Kargo does not let you see this project').waitFor();
  });
});

describe('history', () => {
  test('filters, and the filter is the address', async () => {
    const page = await open(openAt, { path: '/desk/history', history: 300 });
    await page.getByText('300 entries, the newest 100 shown').waitFor();
    await page.getByLabel('Stage').selectOption('live');
    await page.getByLabel('break-glass only').check();
    await expect.poll(() => page.url()).toContain('stage=live&breakGlass=true');
    await expect.poll(() => page.getByRole('row').count()).toBeLessThan(20);
    for (const text of (await page.getByRole('row').allInnerTexts()).slice(1)) {
      expect(text).toContain('→ live');
      expect(text).toContain('break-glass');
    }
    await page.reload();
    await expect.poll(() => page.getByRole('row').count()).toBeLessThan(20);
    expect(await page.getByLabel('break-glass only').isChecked()).toBe(true);
    await page
      .getByRole('button', { name: /^Details of/ })
      .first()
      .click();
    const details = await textOf(page.locator('dl').first());
    for (const field of [
      'Promotion',
      'Operator',
      'Created',
      'Finished',
      'Source stage',
      'Target stage',
      'Image tag',
      'Freight',
      'Note',
      'Break-glass',
      'Justification',
      'Result',
      'Audit records',
    ]) {
      expect(details).toContain(field);
    }
    await picture(page, 'history');
    expect(await lowContrast(page)).toEqual([]);
    expect(await nameless(page)).toEqual([]);
    const link = await page.locator('dl a').first().getAttribute('href');
    await page.goto(`${world.url}${link}`);
    await page.getByText('1 entry').waitFor();
    expect(opened?.errors).toEqual([]);
  });

  test('exports what matches', async () => {
    const page = await open(openAt, { path: '/desk/history?result=Failed', history: 300 });
    await page.getByText(/^\d+ entries/).waitFor();
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toBe(`${project}-history.csv`);
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\r\n');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines[0]).toContain('promotion,created');
    for (const line of lines.slice(1)) expect(line).toContain('Failed');
  });

  test('10,000 promotions are usable at once', async () => {
    const page = await open(openAt, { history: 10_000 });
    await card(page, 'live').waitFor();
    // Measured in the page, from the click to the rows; the aim is one second, the limit knows slow machines.
    const shown = await timeToHistory(page, 100);
    await page.getByText('10,000 entries, the newest 100 shown').waitFor();
    const again = performance.now();
    await page.getByLabel('Text').fill('rejected by the broker');
    await page.getByText(/^\d{3} entries/).waitFor();
    const found = performance.now() - again;
    console.info(`10,000 promotions: shown after ${Math.round(shown)} ms, searched in ${Math.round(found)} ms`);
    expect(shown).toBeLessThan(3000);
    expect(found).toBeLessThan(3000);
  });

  test('without the recorder: what Kargo still has, and a word about it', async () => {
    const page = await open(openAt);
    world.recorder.down = true;
    world.kargo.addPromotion({
      stage: 'live',
      freight: 'f-live'.padEnd(40, '1'),
      actor: 'email:bob@example.org',
      phase: 'Succeeded',
    });
    await page.getByRole('link', { name: 'History of live' }).click();
    await page.getByText('Not the whole history').waitFor();
    await page.getByText('email:bob@example.org').waitFor();
    await picture(page, 'history-without-recorder');
  });
});

describe('audit', () => {
  test('a whole chain, and a broken one', async () => {
    const page = await open(openAt, { path: '/desk/audit' });
    world.recorder.verification = {
      valid: true,
      records: 31_208,
      files: 3,
      head: { seq: 31_208, hash: '5f'.repeat(32) },
      anchors: { checked: 412, newest: { seq: 31_190, hash: 'ab'.repeat(32), at: '2026-11-27T23:15:00Z' } },
      problems: [],
      problemCount: 0,
      checkedAt: '2026-11-27T23:30:00Z',
    };
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText('The chain is whole').waitFor();
    await picture(page.locator('main'), 'verify');
    expect(await lowContrast(page)).toEqual([]);
    world.recorder.verification = {
      ...world.recorder.verification,
      valid: false,
      problems: ['audit-000000000001.jsonl:12 (record 12): altered: its bytes do not have its hash'],
      problemCount: 1,
    };
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText('The chain is broken: 1 problem').waitFor();
    await page.getByText('its bytes do not have its hash').waitFor();
    await picture(page.locator('main'), 'verify-broken');
    expect(await lowContrast(page)).toEqual([]);
  });
});

test('markup in alias, tag, note, actor and message is text everywhere', async () => {
  const evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>{{7*7}}"\'';
  world = await startWorld({ at: openAt, browser: true });
  populate(world, world.now());
  const [name, build] = [...world.kargo.freight][1]!;
  world.kargo.freight.set(name, {
    ...build,
    alias: evil,
    images: [{ repoURL: 'registry.example.org/stonks-oracle/query-api', tag: evil }],
  });
  const ci = world.kargo.stages.get('ci')!;
  world.kargo.stages.set('ci', {
    ...ci,
    status: {
      ...ci.status,
      health: { status: evil, issues: [evil] },
      lastPromotion: { ...ci.status?.lastPromotion, status: { phase: 'Failed', message: evil } },
    },
  });
  world.kargo.addPromotion({ stage: 'live', freight: name, actor: evil, phase: 'Pending' });
  world.recorder.add({
    type: 'promotion-created',
    key: 'evil',
    at: world.now().toISOString(),
    project,
    promotion: evil,
    stage: 'live',
    freight: evil,
    tag: evil,
    actor: evil,
    uid: 'u',
    sourceStages: [evil],
    images: [],
    automatic: false,
    note: evil,
    breakGlass: evil,
  });
  opened = await openPage(browser, world, { token: risk });
  const { page, errors } = opened;
  await page.goto(`${world.url}/desk/`);
  await card(page, 'live').waitFor();
  await promoteButton(page, 'live').click();
  await dialog(page).getByText('onerror').first().waitFor();
  await page.keyboard.press('Escape');
  await page.goto(`${world.url}/desk/history`);
  await page.getByRole('button', { name: /^Details of/ }).click();
  await page.locator('dl').getByText('onerror').first().waitFor();
  expect(await page.evaluate(() => (window as unknown as { pwned?: number }).pwned)).toBeUndefined();
  expect(await page.locator('img, table script, [onerror]').count()).toBe(0);
  expect(errors).toEqual([]);
});
