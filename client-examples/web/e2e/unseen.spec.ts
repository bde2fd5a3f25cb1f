import { expect, type Route } from '@playwright/test';
import { productOf, recount } from './support/goods';
import { open, signIn, test } from './support/shop';

const HEAD = 'sku,name,description,categorySlug,price,stock';

/** Two parts, of 50 rows and of 10, in the first of which one is refused. */
const ROWS = Array.from(
  { length: 60 },
  (_, index) => `KEG-${index},Keg ${index},Of oil,${index === 7 ? 'no-such-category' : 'staples'},40.00,12`,
);

test('an import goes on while its page is left, and says what became of it when the seller is back', async ({
  browser,
  shop: { server, site },
}) => {
  const page = await signIn(browser, site, 'seller');
  const keys: string[] = [];
  let act: (route: Route) => Promise<void> = (route) => route.fallback();
  await page.route('**/graphql', (route) => {
    const body = route.request().postData() ?? '';
    if (!body.includes('"operationName":"ImportProducts"')) return route.fallback();
    keys.push(JSON.parse(body).variables.input.idempotencyKey);
    return keys.length === 1 ? route.fallback() : act(route);
  });
  let fail = () => {};
  const held = new Promise<void>((resolve) => {
    fail = resolve;
  });
  act = (route) => held.then(() => route.abort());

  await open(page, 'Import');
  const file = page.getByLabel('File');
  const buffer = Buffer.from([HEAD, ...ROWS].join('\n'));
  await file.setInputFiles({ name: 'kegs.csv', mimeType: 'text/csv', buffer });
  await page.getByRole('button', { name: 'Import' }).click();
  const result = page.getByTestId('import');
  await expect(result).toContainText('50 of 60 rows');
  await expect(result).toContainText('49 new, 0 changed, 1 refused.');
  await expect(result).not.toContainText('Done');

  const { available } = await productOf(server.url, 'FZ-006');
  await recount(server.url, 'seller', 'FZ-006', 1 - available);
  const alert = page.getByTestId('low-stock-alerts').getByText('Malabar Parotta');
  await alert.getByRole('link', { name: 'Stock' }).click();
  await expect(page.getByRole('heading', { name: 'Stock', level: 1 })).toBeVisible();
  await expect(result).toBeHidden();

  await open(page, 'Import');
  await expect(result).toContainText('50 of 60 rows');
  await expect(result.getByRole('listitem')).toContainText('Row 8 (KEG-7)');
  await expect(file).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Import' })).toBeDisabled();

  await open(page, 'Stock');
  fail();
  await expect(result).toContainText('cannot be reached');
  act = (route) => route.fallback();
  await open(page, 'Import');
  await expect(result.getByRole('alert')).toContainText('cannot be reached');
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(result).toContainText('Done: 59 new, 0 changed, 1 refused.');
  expect(keys).toHaveLength(3);
  expect(keys[2]).toBe(keys[1]);

  await recount(server.url, 'seller', 'FZ-006', available - 1);
  await page.context().close();
});
