import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Locator, type Page } from '@playwright/test';
import { productOf, putInCart, recount } from './support/goods';
import {
  codeOf,
  deliverBesides,
  giveBackBesides,
  holdBesides,
  orderOne,
  takeBesides,
} from './support/orders';
import { LOOKS, open, pageOf, signIn, test } from './support/shop';

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

/** By day all rules but those of minor impact, and by night, when only the colours are others, those about colours. */
async function check(page: Page, where: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const axe = new AxeBuilder({ page });
    const { violations } = await (colorScheme === 'dark' ? axe.withRules(['color-contrast']) : axe).analyze();
    const counted = violations.filter(({ impact }) => impact !== 'minor');
    const found = counted.map(
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
      // Not before that: a hold does not last long.
      const held = await orderOne(shop.server.url, 'FV-001');
      await holdBesides(shop.server.url, 'partner2', held.id);
      await open(page, 'Work');
      const deliveries = page.getByTestId('delivery');
      await expect(deliveries.filter({ hasText: number }).getByRole('log')).toBeVisible();
      await expect(deliveries.filter({ hasText: held.number }).getByRole('timer')).toBeVisible();
      await check(page, `${who}, a delivery, and one that is held`);
      await page.getByRole('button', { name: `Give back ${held.number}` }).click();
      await expect(deliveries).toHaveCount(1);
    } else {
      await open(page, who === 'admin' ? 'Live' : 'Orders');
      await page.getByRole('link', { name: number }).click();
      await expect(page.getByTestId('timeline')).toBeVisible();
      await check(page, `${who}, an order`);
    }
    const bell = page.getByRole('button', { name: /^Notifications/ });
    const dialog = page.getByRole('dialog', { name: 'Notifications' });
    await bell.click();
    await expect(dialog).toBeVisible();
    await check(page, `${who}, notifications`);
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await expect(bell).toBeFocused();
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(bell).toBeFocused();
    await page.getByRole('button', { name: /^Sign out/ }).click();
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    // What is built is for a shop, whose visitors the demo's accounts do not concern.
    await expect(page.getByText('quick-commerce', { exact: true })).toHaveCount(0);
    await check(page, 'signing in');
    await page.context().close();
    await giveBackBesides(shop.server.url, id);
  });
}

test('everybody can use the forms of who is not signed in', async ({ browser, shop }) => {
  const page = await pageOf(browser, shop.site, 'customer');
  await page.goto('/');
  await page.getByText('I forgot my password').click();
  await expect(page.getByLabel('Mail the link to')).toBeVisible();
  await page.getByRole('button', { name: 'I am new here' }).click();
  await page.getByLabel('Name').fill('Nila New');
  await page.getByLabel('E-mail address').fill('nila@demo.test');
  const password = page.getByLabel('Password');
  await expect(password).not.toHaveAttribute('aria-invalid');
  await password.fill('short');
  await page.getByRole('button', { name: 'Sign up' }).click();
  // The one that is wrong says so, and why.
  await expect(password).toHaveAttribute('aria-invalid', 'true');
  await expect(password).toHaveAccessibleDescription(/./);
  await check(page, 'signing up');
  for (const path of ['/reset-password#token=none', '/verify-email#token=none']) {
    await page.goto(path);
    await settled(page);
    await check(page, path);
  }
  await page.getByRole('button', { name: 'Confirm that it is mine' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await check(page, 'an address that could not be confirmed');
  await page.context().close();
});

test('everybody can use a cart with something wrong in it, and say where to', async ({ browser, shop }) => {
  const { url } = shop.server;
  await putInCart(url, 'customer2', 'BK-003', 3);
  const { available } = await productOf(url, 'BK-003');
  await recount(url, 'seller', 'BK-003', 1 - available);
  const page = await signIn(browser, shop.site, 'customer2', {
    ...LOOKS.customer,
    permissions: ['geolocation'],
    geolocation: { latitude: 12.9784, longitude: 77.6408 },
  });
  await open(page, 'Cart');
  await expect(page.getByRole('button', { name: /^Take 1 of/ })).toBeVisible();
  await page.getByLabel('Somewhere else').check();
  // Nobody is sent anywhere that was not said.
  for (const name of ['Latitude', 'Longitude']) await expect(page.getByLabel(name)).toHaveValue('');
  await check(page, 'a cart with something wrong in it');
  await page.getByRole('button', { name: 'Use my position' }).click();
  await expect(page.getByLabel('Latitude')).toHaveValue('12.978400');
  await expect(page.getByLabel('Longitude')).toHaveValue('77.640800');
  // The focus stays with the line while that is there, and with the page when it is gone.
  const fewer = page.getByRole('button', { name: /fewer$/ });
  await page.getByRole('button', { name: /^Take 1 of/ }).press('Enter');
  await expect(page.getByRole('listitem').filter({ has: fewer })).toBeFocused();
  await expect(fewer).toBeEnabled();
  await fewer.press('Enter');
  await expect(page.getByText('Your cart is empty.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Cart' })).toBeFocused();
  await recount(url, 'seller', 'BK-003', available - 1);
  await page.context().close();
});

test('everybody can rate an order', async ({ browser, shop }) => {
  const { id } = await orderOne(shop.server.url, 'FV-001');
  await takeBesides(shop.server.url, 'partner2', id);
  await deliverBesides(shop.server.url, 'partner2', id);
  const page = await signIn(browser, shop.site, 'customer2', LOOKS.customer);
  await page.goto(`/orders/${id}`);
  await expect(page.getByRole('form', { name: 'How was it?' })).toBeVisible();
  await check(page, 'an order to rate');
  await page.context().close();
});

test('everybody can import products', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'seller', LOOKS.seller);
  await open(page, 'Import');
  const buffer = Buffer.from(
    'sku,name,description,categorySlug,price,stock\nAXE-1,Tin,Peeled,no-such-category,40.00,12\nAXE-2,Tin,Peeled,staples,40.00,some',
  );
  await page.getByLabel('File').setInputFiles({ name: 'tins.csv', mimeType: 'text/csv', buffer });
  await expect(page.getByText('1 row to import.')).toBeVisible();
  await page.getByRole('button', { name: 'Import' }).click();
  await expect(page.getByTestId('import')).toContainText('1 refused');
  await check(page, 'an import with mistakes');
  await page.context().close();
});

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

/** Goes on to the next control by the keyboard alone, or back, until it is this one. */
async function tabTo(page: Page, control: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await expect(control).toBeVisible();
  while (!(await control.evaluate((element) => element === document.activeElement)))
    await page.keyboard.press(key);
}

test('a partner without a mouse holds an order, accepts it and hands it over', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'partner2', LOOKS.partner);
  await expect(page.getByText('You carry nothing.')).toBeVisible();
  const { id, number } = await orderOne(shop.server.url, 'FV-001');
  await tabTo(page, page.getByRole('button', { name: `Hold ${number}` }));
  await page.keyboard.press('Enter');
  // The offer is gone. What is held stands above the others.
  await expect(page.getByRole('heading', { name: 'Available orders' })).toBeFocused();
  await tabTo(page, page.getByRole('button', { name: `Accept ${number}` }), 'Shift+Tab');
  await page.keyboard.press('Enter');
  const delivery = page.getByTestId('delivery');
  const status = delivery.getByTestId('status');
  await expect(status).toHaveText('Assigned');
  // What comes next takes the focus of what was done.
  for (const [step, after] of [
    ['Picked up', 'Picked up'],
    ['On my way', 'In transit'],
  ] as const) {
    await expect(delivery.getByRole('button', { name: step })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(status).toHaveText(after);
  }
  // That is no button any more, and the focus stays where the last one was.
  await page.keyboard.press('Tab');
  await expect(delivery.getByLabel('Code of the customer')).toBeFocused();
  await page.keyboard.type(await codeOf(shop.server.url, id));
  await page.keyboard.press('Enter');
  await expect(delivery).toHaveCount(0);
  await page.context().close();
});

test('a seller without a mouse packs by hand and records what came in', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'seller', LOOKS.seller);
  const byHand = page.getByRole('switch', { name: /packs by hand/ });
  await tabTo(page, byHand);
  for (const isByHand of [true, false]) {
    await page.keyboard.press('Space');
    await expect(byHand).toBeChecked({ checked: isByHand });
    await expect(byHand).toBeEnabled();
    await expect(byHand).toBeFocused();
  }
  await tabTo(page, page.getByRole('link', { name: 'Stock' }), 'Shift+Tab');
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByLabel('Search'));
  await page.keyboard.type('FV-003');
  const row = page.getByRole('region', { name: 'All products' }).locator('tr[data-sku="FV-003"]');
  const { available } = await productOf(shop.server.url, 'FV-003');
  await tabTo(page, row.getByRole('spinbutton'));
  await page.keyboard.type('3');
  const record = row.getByRole('button', { name: /^Record/ });
  await tabTo(page, record);
  await page.keyboard.press('Enter');
  await expect(row.getByTestId('left')).toHaveText(String(available + 3));
  await expect(row.getByRole('spinbutton')).toHaveValue('');
  await expect(record).toBeFocused();
  await page.context().close();
  await recount(shop.server.url, 'seller', 'FV-003', -3);
});

test('an admin without a mouse gives an order to a partner', async ({ browser, shop }) => {
  const { url } = shop.server;
  const page = await signIn(browser, shop.site, 'admin', LOOKS.admin);
  // Another one that waits.
  await orderOne(url, 'FV-001');
  const { id, number } = await orderOne(url, 'FV-001');
  const row = page.getByTestId('orders').getByRole('row').filter({ hasText: number });
  const give = row.getByRole('button', { name: 'Give' });
  const giveAway = async () => {
    await tabTo(page, row.getByRole('button', { name: /^Assign/ }));
    await page.keyboard.press('Enter');
    const choice = row.getByLabel(`Partner for ${number}`);
    await expect(choice).toBeFocused();
    await page.keyboard.type('Sita');
    await expect(choice.locator('option:checked')).toHaveText(/^Sita Scooter/);
    await page.keyboard.press('Tab');
    await expect(give).toBeFocused();
    await page.keyboard.press('Enter');
  };
  await giveAway();
  await expect(row.getByTestId('status')).toHaveText('Assigned');
  // Nobody is chosen any more, and the focus stays where it was.
  await expect(give).toBeDisabled();
  await expect(give).toBeFocused();

  await giveBackBesides(url, id);
  await page.getByLabel('Show').selectOption('Waiting for a partner');
  await giveAway();
  // The row is gone, and the focus stays with the list.
  await expect(row).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'Table: Orders' })).toBeFocused();
  await page.context().close();
  await giveBackBesides(url, id);
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
  // The focus stays where the button was, whatever takes its place.
  await expect(page.getByRole('button', { name: /^One more Paneer/ })).toBeFocused();
  await page.keyboard.press('Shift+Tab');
  const fewer = page.getByRole('button', { name: /^One Paneer .* fewer$/ });
  await expect(fewer).toBeFocused();
  await expect(fewer).toBeEnabled();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('cart-count')).toHaveText('(0)');
  await expect(add).toBeFocused();

  await page.reload();
  await expect(page.getByRole('heading', { name: 'Shop', level: 1 })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Search')).toBeFocused();
  await context.close();
});
