import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { orderBesides } from './support/orders';
import { LOOKS, open, signIn, test } from './support/shop';

const TABS: Record<string, readonly string[]> = {
  customer: ['Shop', 'Cart', 'Orders'],
  partner: ['Work', 'Earnings'],
  seller: ['Orders', 'Stock', 'Import', 'Sales'],
  admin: ['Live', 'Partners', 'Users', 'Audit'],
};

/** Waits until nothing on the page says that it loads. */
async function settled(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'Loading' })).toHaveCount(0);
}

async function check(page: Page, where: string, rules?: string[]): Promise<void> {
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(
    serious.map(
      ({ id, nodes }) => `${where}: ${id} at ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    ),
  ).toEqual([]);
}

for (const [who, tabs] of Object.entries(TABS)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`everybody can use the desk of the ${who}, in ${colorScheme} colours`, async ({ browser, shop }) => {
      await orderBesides(shop.server.url, ['FV-001']);
      // By night only the colours are others.
      const rules = colorScheme === 'dark' ? ['color-contrast'] : undefined;
      const page = await signIn(browser, shop.site, who, { ...LOOKS[who], colorScheme });
      for (const tab of tabs) {
        await open(page, tab);
        await settled(page);
        await check(page, `${who}, ${tab}`, rules);
      }
      if (who !== 'customer' && who !== 'partner') {
        await open(page, tabs[0] ?? '');
        await page.getByRole('rowheader').getByRole('link').first().click();
        await expect(page.getByTestId('timeline')).toBeVisible();
        await check(page, `${who}, an order`, rules);
      }
      await page.getByRole('button', { name: /^Notifications/ }).click();
      await expect(page.getByRole('dialog', { name: 'Notifications' })).toBeVisible();
      await check(page, `${who}, notifications`, rules);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
      await page.getByRole('button', { name: /^Sign out/ }).click();
      await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
      await check(page, 'signing in', rules);
      await page.context().close();
    });
  }
}

test('phones show the desks of customers and partners without scrolling sideways', async ({
  browser,
  shop,
}) => {
  for (const who of ['customer', 'partner']) {
    const page = await signIn(browser, shop.site, who, {
      ...LOOKS[who],
      viewport: { width: 360, height: 740 },
    });
    for (const tab of TABS[who] ?? []) {
      await open(page, tab);
      await settled(page);
      const isTooWide = await page.evaluate(
        () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
      );
      expect(isTooWide, `${who}, ${tab}`).toBe(false);
    }
    await page.context().close();
  }
});

test('somebody without a mouse signs in, searches and fills the cart', async ({ browser, shop }) => {
  const context = await browser.newContext({ baseURL: shop.site.url });
  const page = await context.newPage();
  await page.goto('/');
  await page.getByLabel('E-mail address').focus();
  await page.keyboard.type('customer2@demo.test');
  await page.keyboard.press('Tab');
  await page.keyboard.type('quick-commerce');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Shop', level: 1 })).toBeVisible();
  await expect(page.getByRole('main')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Search')).toBeFocused();
  await page.keyboard.type('paneer');
  const add = page.getByRole('button', { name: /^Add Paneer/ });
  await expect(page.getByTestId('product')).toHaveCount(1);
  // Search, category, sort (the one of a search cannot be changed), in stock: then the first product.
  while (!(await add.evaluate((button) => button === document.activeElement)))
    await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('cart-count')).toHaveText('(1)');

  await page.reload();
  await expect(page.getByRole('heading', { name: 'Shop', level: 1 })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Search')).toBeFocused();
  await context.close();
});
