import { expect } from '@playwright/test';
import { orderBesides } from './support/orders';
import { connection, open, signIn, test } from './support/shop';

test('a seller imports a file and is told of each row', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'seller');
  await open(page, 'Import');
  const rows = Array.from(
    { length: 120 },
    (_, index) => `WEB-${index},Tin ${index},"Peeled, whole",staples,${40 + index}.00,12`,
  );
  rows[70] = 'WEB-70,Tin 70,Peeled,no-such-category,40.00,12';
  const buffer = Buffer.from(['sku,name,description,categorySlug,price,stock', ...rows].join('\n'));
  await page.getByLabel('File').setInputFiles({ name: 'tins.csv', mimeType: 'text/csv', buffer });
  await expect(page.getByText('120 rows to import.')).toBeVisible();
  await page.getByRole('button', { name: 'Import' }).click();
  const result = page.getByTestId('import');
  await expect(result).toContainText('120 of 120 rows');
  await expect(result).toContainText('Done: 119 new, 0 changed, 1 refused.');
  await expect(result.getByRole('listitem')).toContainText('Row 71 (WEB-70)');
  await open(page, 'Stock');
  await page.getByLabel('Search').fill('Tin 119');
  await expect(page.locator('tr[data-sku="WEB-119"]')).toBeVisible();
  await page.context().close();
});

test('a store that packs by hand takes its orders step by step', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'seller2');
  const byHand = page.getByRole('switch', { name: /packs by hand/ });
  await byHand.click();
  await expect(byHand).toBeChecked();
  await page.getByLabel('Show').selectOption('To pack');
  await expect(page.getByText('No orders here.')).toBeVisible();
  await orderBesides(shop.server.url, ['ST-007']);
  const row = page.getByRole('row').filter({ hasText: 'QC-' });
  await row.getByRole('button', { name: /^Start packing/ }).click();
  await expect(row.getByTestId('status')).toHaveText('Preparing');
  await row.getByRole('button', { name: /^Ready to pick up/ }).click();
  // It is packed, so it is not to be packed any more.
  await expect(page.getByText('No orders here.')).toBeVisible();
  await page.getByLabel('Show').selectOption('Waiting for a partner');
  await expect(row.getByTestId('status')).toHaveText('Ready');
  await page.context().close();
});

test('an admin gives an order to a partner, who finds it among theirs; the audit log has it', async ({
  browser,
  shop,
}) => {
  const admin = await signIn(browser, shop.site, 'admin');
  const partner = await signIn(browser, shop.site, 'partner2', { viewport: { width: 390, height: 844 } });
  await expect(partner.getByText('You carry nothing.')).toBeVisible();
  await orderBesides(shop.server.url, ['FV-002']);
  await admin.getByLabel('Show').selectOption('Waiting for a partner');
  const row = admin.getByTestId('orders').locator('tbody tr').first();
  const number = (await row.getByRole('link').textContent()) ?? '';
  await row.getByRole('button', { name: /^Assign/ }).click();
  const partners = row.getByLabel(/^Partner for/);
  await partners.selectOption({ label: 'Sita Scooter (0/2)' });
  await row.getByRole('button', { name: 'Give' }).click();
  await expect(admin.getByTestId('orders').getByText(number)).toHaveCount(0);
  await expect(partner.getByTestId('delivery')).toContainText(number);

  await open(admin, 'Partners');
  const sita = admin.getByTestId('partners').getByRole('row').filter({ hasText: 'Sita Scooter' });
  await expect(sita).toContainText('1 of 2');
  await partner.getByRole('switch', { name: 'I take orders' }).click();
  await expect(sita.getByRole('cell').first()).toHaveText('No');
  await partner.getByRole('switch', { name: 'I take orders' }).click();
  await expect(sita.getByRole('cell').first()).toHaveText('Yes');

  await open(admin, 'Audit');
  await expect(admin.getByTestId('audit')).toContainText('order.assign');
  await Promise.all([admin, partner].map((page) => page.context().close()));
});

test('an admin sees the figures and the sales change with an order', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'admin');
  const figure = (name: string) =>
    page.getByTestId('figures').locator('div').filter({ hasText: name }).locator('dd');
  const count = Number(await figure('Orders today').textContent());
  const revenue = (await figure('Revenue today').textContent()) ?? '';
  await orderBesides(shop.server.url, ['FV-002']);
  await expect(figure('Orders today')).toHaveText(String(count + 1));
  await expect(figure('Revenue today')).not.toHaveText(revenue);
  const sales = page.getByRole('region', { name: 'Sales' });
  await expect(sales.getByTestId('sales')).toContainText('on average');
  await expect(sales.getByRole('figure', { name: /^By/ })).toBeVisible();
  await page.context().close();
});

test('an admin deactivates somebody, who is signed out at once', async ({ browser, shop }) => {
  const admin = await signIn(browser, shop.site, 'admin');
  const customer = await signIn(browser, shop.site, 'customer2');
  await open(admin, 'Users');
  await admin.getByLabel('Name or e-mail').fill('Kiran');
  await admin.getByRole('button', { name: 'Deactivate Kiran Customer' }).click();
  await expect(customer.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await admin.getByRole('button', { name: 'Activate Kiran Customer' }).click();
  await expect(admin.getByRole('button', { name: 'Deactivate Kiran Customer' })).toBeVisible();
  await Promise.all([admin, customer].map((page) => page.context().close()));
});

test('whoever reloads the page is still signed in, and another tab is not', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'customer');
  await page.reload();
  await expect(connection(page)).toHaveText('Live');
  const tab = await page.context().newPage();
  await tab.goto('/');
  await expect(tab.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.context().close();
});

test('a search that finds nothing says so, and all pages of a list can be had', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'customer');
  await expect(page.getByTestId('product')).toHaveCount(24);
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect(page.getByTestId('product')).toHaveCount(48);
  await page.getByLabel('Search').fill('zzzzzz');
  await expect(page.getByText('Nothing here is called that.')).toBeVisible();
  await page.context().close();
});
