import { expect } from '@playwright/test';
import { putInCart } from './support/goods';
import { Program } from './support/program';
import { signIn, test } from './support/shop';

test('in development the pages are live too, through the proxy of Vite', async ({
  browser,
  shop,
}, testInfo) => {
  const { url: api } = shop.server;
  // What `npm run dev` runs, without npm between, which would leave it behind when it is ended.
  const vite = await Program.start(['node_modules/.bin/vite', '--host', '127.0.0.1', '--port', '0'], {
    ready: /Local: +(http:\/\/[\d.:]+)/,
    cwd: '.',
    log: testInfo.outputPath('vite.log'),
    env: { QC_API: api, NO_COLOR: '1' },
  });
  const site = { url: vite.said[1] ?? '', close: () => vite.end() };
  const page = await signIn(browser, site, 'customer2');
  const product = page.getByTestId('product').first();
  await expect(product).toBeVisible();
  const width = () => product.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth);
  await expect.poll(width).toBeGreaterThan(0);

  const count = page.getByTestId('cart-count');
  await expect(count).toHaveText('(0)');
  await putInCart(api, 'customer2', 'FV-003', 2);
  await expect(count).toHaveText('(2)');
  await putInCart(api, 'customer2', 'FV-003', 0);
  await expect(count).toHaveText('(0)');
  await page.context().close();
  await site.close();
});
