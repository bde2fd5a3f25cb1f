import { type Browser, type BrowserContextOptions, test as base, expect, type Page } from '@playwright/test';
import { Server } from './server';
import { Site } from './site';

export interface Shop {
  server: Server;
  site: Site;
}

/** Opens a shop for as long as it is used. */
async function keepShop(
  use: (shop: Shop) => Promise<void>,
  settings?: Record<string, string>,
): Promise<void> {
  const server = await Server.start(settings);
  const site = await Site.open(server.url);
  await use({ server, site });
  await site.close();
  await server.remove();
}

/** What was thrown on anybody's page and not caught. */
const thrown: string[] = [];

/** One server and one site for all tests of a run; no page may throw in any of them. */
export const test = base.extend<
  { nothingThrown: undefined; settings: Record<string, string>; ownShop: Shop },
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

/** Somebody of the demo at a browser of their own, signed in by the form. */
export async function signIn(browser: Browser, site: Site, who: string, look = LOOKS[who]): Promise<Page> {
  const context = await browser.newContext({ ...look, baseURL: site.url });
  const page = await context.newPage();
  page.on('pageerror', (error) => thrown.push(`${who}: ${error.message} ${error.stack}`));
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto('/');
  await page.getByLabel('E-mail address').fill(`${who}@demo.test`);
  await page.getByLabel('Password').fill('quick-commerce');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(connection(page)).toHaveText('Live');
  return page;
}

export function connection(page: Page) {
  return page.getByTestId('connection');
}

/** Goes to a page of the desk by its tab. */
export async function open(page: Page, tab: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: tab }).click();
}
