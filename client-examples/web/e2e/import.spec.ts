import { expect, type Page, type Route } from '@playwright/test';
import { open, signIn, test } from './support/shop';

const HEAD = 'sku,name,description,categorySlug,price,stock';

async function choose(page: Page, name: string, count: number): Promise<void> {
  const rows = Array.from(
    { length: count },
    (_, index) => `${name}-${index},Sack ${index},Of rice,staples,40.00,12`,
  );
  const buffer = Buffer.from([HEAD, ...rows].join('\n'));
  await page.getByLabel('File').setInputFiles({ name: `${name}.csv`, mimeType: 'text/csv', buffer });
}

test('an import stops and goes on, no other file can be chosen meanwhile, and the next one is on its own', async ({
  browser,
  shop,
}) => {
  const page = await signIn(browser, shop.site, 'seller');
  await open(page, 'Import');
  const keys: string[] = [];
  let act = (route: Route): Promise<void> => route.abort();
  await page.route('**/graphql', (route) => {
    const body = route.request().postData() ?? '';
    if (!body.includes('"operationName":"ImportProducts"')) return route.fallback();
    keys.push(JSON.parse(body).variables.input.idempotencyKey);
    return act(route);
  });
  await choose(page, 'SACK', 60);
  await page.getByRole('button', { name: 'Import' }).click();
  const result = page.getByTestId('import');
  await expect(result.getByRole('alert')).toContainText('cannot be reached');
  await expect(result).toContainText('0 of 60 rows');

  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  act = (route) => held.then(() => route.fallback());
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByLabel('File')).toBeDisabled();
  release();
  await expect(result).toContainText('Done: 60 new, 0 changed, 0 refused.');
  expect(keys).toHaveLength(3);
  expect(keys[1]).toBe(keys[0]);

  await choose(page, 'BALE', 3);
  await expect(page.getByText('3 rows to import.')).toBeVisible();
  await expect(result).toHaveCount(0);
  await page.getByRole('button', { name: 'Import' }).click();
  await expect(result).toContainText('3 of 3 rows');
  await expect(result).toContainText('Done: 3 new, 0 changed, 0 refused.');
  await page.context().close();
});
