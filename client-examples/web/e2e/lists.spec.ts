import { randomUUID } from 'node:crypto';
import { expect, type Locator } from '@playwright/test';
import { Device } from './support/api';
import { productOf, recount } from './support/goods';
import { open, signIn, test } from './support/shop';

const IMPORT = `mutation ($input: ImportProductsInput!) {
  result: importProducts(input: $input) { created userErrors { message } }
}`;

const CHANGE = `mutation ($input: UpdateProductInput!) {
  result: updateProduct(input: $input) { userErrors { message } }
}`;

/** New products of the store, past the site: `NAME-1` and so on, one for each of `stocks`. */
async function stock(seller: Device, name: string, stocks: readonly number[]): Promise<void> {
  const rows = stocks.map((pieces, index) => ({
    sku: `${name.toUpperCase()}-${index + 1}`,
    name: `${name} ${index + 1}`,
    description: 'Of glass',
    categorySlug: 'staples',
    price: '40.00',
    stock: pieces,
  }));
  await seller.ask(IMPORT, { idempotencyKey: randomUUID(), rows });
}

/** Presses "Show more" until there is no more. */
async function showAll(list: Locator, rows: Locator, count: number): Promise<void> {
  const more = list.getByRole('button', { name: 'Show more' });
  for (let before = await rows.count(); before < count; before = await rows.count()) {
    await more.click();
    await expect(rows).not.toHaveCount(before);
  }
  await expect(rows).toHaveCount(count);
  await expect(more).toHaveCount(0);
}

test('the first page of a long list stays live, and so does the last', async ({ browser, shop }) => {
  const seller = await Device.signIn(shop.server.url, 'seller');
  await stock(seller, 'Crate', Array(110).fill(12));
  const page = await signIn(browser, shop.site, 'customer');
  await page.getByLabel('Search').fill('crate');
  const products = page.getByTestId('product');
  await expect(page.getByText('110 found')).toBeVisible();
  await showAll(page.getByRole('main'), products, 110);
  for (const product of [products.first(), products.last()]) {
    const name = (await product.getByRole('heading').textContent()) ?? '';
    const { id } = await productOf(shop.server.url, name.toUpperCase().replace(' ', '-'));
    await seller.ask(CHANGE, { productId: id, price: '77.00' });
    await expect(product).toContainText('77.00');
  }
  await page.context().close();
});

test('what "Show more" brought stays when the list changes', async ({ browser, shop }) => {
  const seller = await Device.signIn(shop.server.url, 'seller');
  await stock(seller, 'Jar', [...Array(30).fill(0), 50]);
  const page = await signIn(browser, shop.site, 'seller');
  await open(page, 'Stock');
  const low = page.locator('section[aria-labelledby="low"]');
  const jars = low.locator('tr[data-sku^="JAR-"]');
  const rows = low.locator('tr[data-sku]');
  await expect(rows).toHaveCount(25);
  await low.getByRole('button', { name: 'Show more' }).click();
  await expect(jars).toHaveCount(30);
  await recount(shop.server.url, 'seller', 'JAR-31', -49);
  await expect(low.locator('tr[data-sku="JAR-31"]')).toBeVisible();
  await expect(jars).toHaveCount(31);
  await page.context().close();
});
