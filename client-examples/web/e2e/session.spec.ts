import { expect } from '@playwright/test';
import { post } from './support/api';
import { caughtUp, connection, noticed, pageOf, said, signIn, test } from './support/shop';

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
  // Where all tests have one database, others find the cart as it is left.
  await page.getByRole('button', { name: /^One Paneer .* fewer$/ }).click();
  await expect(page.getByTestId('cart-count')).toHaveText('(0)');
  await page.context().close();
});

const RENEW = `mutation ($input: RefreshTokensInput!) {
  refreshTokens(input: $input) { userErrors { message } }
}`;

test('whoever did not sign out is told that the session has ended', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'customer');
  const ended = page.getByText('Your session has ended. Sign in again.');
  // As another tab does that has the same refresh token, which works once.
  const refreshToken = await page.evaluate(() => sessionStorage.getItem('quick-commerce.refresh'));
  await post(shop.server.url, RENEW, { input: { refreshToken } });
  await page.reload();
  await expect(ended).toBeVisible();
  await page.getByLabel('E-mail address').fill('customer@demo.test');
  await page.getByLabel('Password').fill('quick-commerce');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: /^Sign out/ }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(ended).toHaveCount(0);
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
  await caughtUp(page);
  // What failed is asked again by itself.
  await expect(page.getByTestId('product').filter({ hasText: 'Paneer' })).toBeVisible();
  await server.kill();
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('cannot be reached');
  await server.begin();
  server.join();
  // What stands before the server may take a moment to notice that it is back.
  await expect(async () => {
    await page
      .getByRole('button', { name: 'Try again' })
      .click({ timeout: 1_000 })
      .catch(() => {});
    await expect(connection(page)).toHaveText(/^(Live|Caught up)$/, { timeout: 5_000 });
  }).toPass();
  await page.context().close();
});

test('a device that is off the net says so at once, and catches up when it is back', async ({
  browser,
  shop,
}) => {
  const page = await signIn(browser, shop.site, 'customer');
  await page.context().setOffline(true);
  await noticed(page);
  await page.context().setOffline(false);
  await expect.poll(() => said(page)).toContain('Caught up');
  await page.context().close();
});

test('a page whose files are gone says so, and can be loaded again', async ({ browser, shop }) => {
  const page = await pageOf(browser, shop.site, 'customer');
  await page.route('**/assets/CustomerDesk-*.js', (route) => route.fulfill({ status: 404 }));
  await page.goto('/');
  await page.getByLabel('E-mail address').fill('customer@demo.test');
  await page.getByLabel('Password').fill('quick-commerce');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('This page could not be shown.');
  await page.unroute('**/assets/CustomerDesk-*.js');
  await page.getByRole('button', { name: 'Load it again' }).click();
  await expect(page.getByRole('heading', { name: 'Shop', level: 1 })).toBeVisible();
  await page.context().close();
});
