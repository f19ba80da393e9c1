import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import type { World } from './world.ts';

const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser of this machine, or undefined where there is none. */
export const chromiumPath = candidates.find((one) => one !== undefined && existsSync(one));

export async function launchBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('no Chromium: install one, or name it in CHROMIUM');
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface PageOptions {
  /** @default - logged in as nobody */
  readonly token?: string;
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
}

/** A page with the world's clock; what it logs and what it asks of other hosts is kept. */
export interface DeskPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly errors: string[];
  readonly foreign: string[];
}

export async function openPage(browser: Browser, world: World, options: PageOptions = {}): Promise<DeskPage> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.dark ? 'dark' : 'light',
    timezoneId: 'America/New_York',
    locale: 'en-GB',
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  const errors: string[] = [];
  const foreign: string[] = [];
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.clock.install({ time: world.now() });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(world.url) && !url.startsWith('data:') && !url.startsWith('blob:')) foreign.push(url);
  });
  if (options.token !== undefined) {
    await context.addInitScript((token) => localStorage.setItem('auth_token', token), options.token);
  }
  return { page, context, errors, foreign };
}

const pictures = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../docs/desk');

/** Writes docs/desk/<name>.png where DESK_PICTURES asks for pictures. */
export async function picture(part: Page | Locator, name: string): Promise<void> {
  if (!process.env.DESK_PICTURES) return;
  mkdirSync(pictures, { recursive: true });
  await part.screenshot({ path: path.join(pictures, `${name}.png`) });
}
