import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Locator, type Page } from '@playwright/test';
import { giveBackBesides, orderOne, takeBesides } from './support/orders';
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

/** By day all rules, and by night, when only the colours are others, those about colours. */
async function check(page: Page, where: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const axe = new AxeBuilder({ page });
    const { violations } = await (colorScheme === 'dark' ? axe.withRules(['color-contrast']) : axe).analyze();
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const found = serious.map(
      ({ id, nodes }) => `${id} at ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    );
    expect(found, `${where}, ${colorScheme}`).toEqual([]);
  }
}

/** Whose desk has something on it: those who order, take and carry things in these tests. */
const PEOPLE: Record<string, string> = { customer: 'customer2', partner: 'partner2' };

for (const [who, tabs] of Object.entries(TABS)) {
  test(`everybody can use the desk of the ${who}, by day and by night`, async ({ browser, shop }) => {
    const { id, number } = await orderOne(shop.server.url, 'FV-001');
    await takeBesides(shop.server.url, 'partner2', id);
    const page = await signIn(browser, shop.site, PEOPLE[who] ?? who, LOOKS[who]);
    for (const tab of tabs) {
      await open(page, tab);
      await settled(page);
      await check(page, `${who}, ${tab}`);
    }
    if (who === 'partner') {
      await open(page, 'Work');
      await expect(page.getByTestId('delivery').getByRole('log')).toBeVisible();
      await check(page, `${who}, a delivery`);
    } else {
      await open(page, who === 'admin' ? 'Live' : 'Orders');
      await page.getByRole('link', { name: number }).click();
      await expect(page.getByTestId('timeline')).toBeVisible();
      await check(page, `${who}, an order`);
    }
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await expect(page.getByRole('dialog', { name: 'Notifications' })).toBeVisible();
    await check(page, `${who}, notifications`);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await page.getByRole('button', { name: /^Sign out/ }).click();
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    await check(page, 'signing in');
    await page.context().close();
    await giveBackBesides(shop.server.url, id);
  });
}

test('phones show the desks of customers and partners without scrolling sideways', async ({
  browser,
  shop,
}) => {
  const { id } = await orderOne(shop.server.url, 'FV-001');
  await takeBesides(shop.server.url, 'partner2', id);
  for (const who of ['customer', 'partner']) {
    // The narrowest that there are: WCAG's measure for pages that reflow.
    const viewport = { width: 320, height: 640 };
    const page = await signIn(browser, shop.site, PEOPLE[who] ?? who, { ...LOOKS[who], viewport });
    const fits = async (where: string) => {
      await settled(page);
      const isTooWide = await page.evaluate(
        () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
      );
      expect(isTooWide, `${who}, ${where}`).toBe(false);
    };
    if (who === 'customer') await page.getByRole('button', { name: /^Add / }).first().click();
    for (const tab of TABS[who] ?? []) {
      await open(page, tab);
      await fits(tab);
    }
    if (who === 'customer') {
      await expect(page).toHaveTitle('Orders – Quick Commerce');
      await page.goto(`/orders/${id}`);
      await expect(page.getByTestId('delivery-code')).toBeVisible();
      await fits('an order');
      await open(page, 'Cart');
      await page.getByRole('button', { name: /fewer$/ }).click();
    }
    await page.context().close();
  }
  await giveBackBesides(shop.server.url, id);
});

/** Goes on to the next control by the keyboard alone, until it is this one. */
async function tabTo(page: Page, control: Locator): Promise<void> {
  await expect(control).toBeVisible();
  while (!(await control.evaluate((element) => element === document.activeElement)))
    await page.keyboard.press('Tab');
}

test('a partner without a mouse holds an order and accepts it', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'partner2', LOOKS.partner);
  await expect(page.getByText('You carry nothing.')).toBeVisible();
  const { id, number } = await orderOne(shop.server.url, 'FV-001');
  await tabTo(page, page.getByRole('button', { name: `Hold ${number}` }));
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByRole('button', { name: `Accept ${number}` }));
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('delivery').getByTestId('status')).toHaveText('Assigned');
  await page.context().close();
  await giveBackBesides(shop.server.url, id);
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
  await tabTo(page, add);
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
