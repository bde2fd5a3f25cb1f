import { expect } from '@playwright/test';
import { open, signIn, test } from './support/shop';

test('a file that cannot be read is said to be so, and the same one can be chosen again', async ({
  browser,
  shop,
}) => {
  const page = await signIn(browser, shop.site, 'seller');
  await open(page, 'Import');
  const file = page.getByLabel('File');
  const choose = async (...names: string[]) => {
    const rows = names.map((name) => `${name},Tin,Peeled,staples,40.00,12`);
    const buffer = Buffer.from(['sku,name,description,categorySlug,price,stock', ...rows].join('\n'));
    const asked = page.waitForEvent('filechooser');
    await file.click();
    // Else a browser, unlike this test, would tell of no change when the file is called the same.
    await expect(file).toHaveValue('');
    await (await asked).setFiles({ name: 'tins.csv', mimeType: 'text/csv', buffer });
  };
  // As for a file that was moved meanwhile, the first time that one is read.
  await page.evaluate(() => {
    const { text } = Blob.prototype;
    Blob.prototype.text = () => {
      Blob.prototype.text = text;
      return Promise.reject(new DOMException('It was moved.', 'NotReadableError'));
    };
  });
  await choose('TIN-1');
  await expect(page.getByRole('alert')).toContainText('cannot be read');
  await choose('TIN-1');
  await expect(page.getByText('1 row to import.')).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await choose('TIN-1', 'TIN-2');
  await expect(page.getByText('2 rows to import.')).toBeVisible();
  await page.context().close();
});
