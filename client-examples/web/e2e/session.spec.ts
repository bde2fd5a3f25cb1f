import { expect } from '@playwright/test';
import { connection, noticed, said, signIn, test } from './support/shop';

test.use({ settings: { ACCESS_TOKEN_SECONDS: '10' } });

test('a session outlives its access tokens', async ({ browser, ownShop: { site } }) => {
  const page = await signIn(browser, site, 'customer');
  const renewal = () =>
    page.waitForResponse((reply) => reply.request().postData()?.includes('refreshTokens') ?? false);
  // The socket is closed when its token is worn out, and comes back with another.
  const first = renewal();
  await first;
  await expect.poll(() => said(page)).toContain('Caught up');
  await renewal();
  await page.getByLabel('Search').fill('paneer');
  await page.getByRole('button', { name: /^Add Paneer/ }).click();
  await expect(page.getByTestId('cart-count')).toHaveText('(1)');
  await page.context().close();
});

test('a page that is opened while the server is away says so, and goes on once it is back', async ({
  browser,
  ownShop: { server, site },
}) => {
  const page = await signIn(browser, site, 'customer');
  await server.kill();
  await noticed(page);
  await page.getByLabel('Search').fill('paneer');
  await expect(page.getByRole('alert')).toContainText('cannot be reached');
  await server.begin();
  server.join();
  await page.evaluate(() => dispatchEvent(new Event('online')));
  // What failed is asked again by itself.
  await expect(page.getByTestId('product').filter({ hasText: 'Paneer' })).toBeVisible();
  await server.kill();
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('cannot be reached');
  await server.begin();
  server.join();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(connection(page)).toHaveText(/^(Live|Caught up)$/);
  await page.context().close();
});
