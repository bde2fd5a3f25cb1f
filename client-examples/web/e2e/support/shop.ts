import { type Browser, type BrowserContextOptions, test as base, expect, type Page } from '@playwright/test';
import { Server } from './server';
import { openSite, type Site, type SiteSettings } from './site';

export interface Shop {
  server: Server;
  site: Site;
}

/** Opens a shop for as long as it is used. */
export async function keepShop(
  use: (shop: Shop) => Promise<void>,
  settings: Record<string, string> = {},
  siteSettings: SiteSettings = {},
): Promise<void> {
  const server = await Server.start(settings);
  const site = await openSite(server, siteSettings);
  await use({ server, site });
  await server.kill();
  await site.close();
  await server.remove();
}

/** What was thrown on anybody's page and not caught, and what the page was not allowed to bring. */
const thrown: string[] = [];

/** One server and one site for all tests of a run; no page may throw in any of them. */
export const test = base.extend<
  {
    nothingThrown: undefined;
    settings: Record<string, string>;
    ownShop: Shop;
  },
  { shop: Shop }
>({
  nothingThrown: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs from its first parameter
    async ({}, use) => {
      thrown.length = 0;
      await use(undefined);
      expect(thrown).toEqual([]);
    },
    { auto: true },
  ],
  settings: [{}, { option: true }],
  // For a test whose server is set up in a way of its own, or is away now and then.
  ownShop: async ({ settings }, use) => {
    await keepShop(use, settings);
  },
  shop: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs from its first parameter
    async ({}, use) => {
      await keepShop(use);
    },
    { scope: 'worker' },
  ],
});

const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true };
const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 860 } };

export const LOOKS: Record<string, BrowserContextOptions> = {
  customer: PHONE,
  partner: { ...PHONE, permissions: ['geolocation'], geolocation: { latitude: 12.9784, longitude: 77.6408 } },
  seller: DESK,
  admin: DESK,
};

/** A browser of their own for `who`. */
export async function pageOf(browser: Browser, site: Site, who: string, look = LOOKS[who]): Promise<Page> {
  const context = await browser.newContext({ ...look, baseURL: site.url });
  const page = await context.newPage();
  page.on('pageerror', (error) => thrown.push(`${who}: ${error.message} ${error.stack}`));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) thrown.push(`${who}: ${message.text()}`);
  });
  page.on('dialog', (dialog) => void dialog.accept());
  await page.addInitScript(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    new MutationObserver(() => {
      const text = document.querySelector('[data-testid="connection"]')?.textContent;
      if (text && text !== said.at(-1)) said.push(text);
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
  return page;
}

/** Somebody of the demo at a browser of their own, signed in by the form. */
export async function signIn(browser: Browser, site: Site, who: string, look = LOOKS[who]): Promise<Page> {
  const page = await pageOf(browser, site, who, look);
  await page.goto('/');
  await page.getByLabel('E-mail address').fill(`${who}@demo.test`);
  await page.getByLabel('Password').fill('quick-commerce');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(connection(page)).toHaveText(/^(Live|Caught up)$/);
  return page;
}

/** All that the page has said of its line since it was loaded: what is said for a moment only may be over when one looks. */
export function said(page: Page): Promise<string[]> {
  return page.evaluate(() => (window as unknown as { said: string[] }).said);
}

/** Waits until the pages have noticed that their line was cut. */
export async function noticed(...pages: readonly Page[]): Promise<void> {
  await Promise.all(pages.map((page) => expect(connection(page)).toHaveText('Reconnecting')));
}

/** Waits until the pages, whose line was cut, say that they have caught up. */
export async function caughtUp(...pages: readonly Page[]): Promise<void> {
  const returns = async (page: Page) => {
    // As a device does that is on the net again; without it the pages come back by themselves, a little later.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    const words = await said(page);
    expect(words.slice(words.lastIndexOf('Reconnecting'))).toContain('Caught up');
  };
  await Promise.all(pages.map((page) => expect(() => returns(page)).toPass()));
}

export function connection(page: Page) {
  return page.getByTestId('connection');
}

/** Goes to a page of the desk by its tab. */
export async function open(page: Page, tab: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: tab }).click();
}
