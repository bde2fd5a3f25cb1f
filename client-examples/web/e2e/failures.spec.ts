import { expect, type Page, type Route } from '@playwright/test';
import { tryAgain } from './support/again';
import { orderOne } from './support/orders';
import { connection, open, pageOf, signIn, test } from './support/shop';

test.use({ settings: { ATTEMPTS_PER_ACCOUNT: '3' } });

/** Has every request of that operation, and of no other any more, answered by `act`. */
async function answer(page: Page, operation: string, act: (route: Route) => Promise<void>): Promise<void> {
  await page.unroute('**/graphql');
  await page.route('**/graphql', (route) => {
    const isIt = route.request().postData()?.includes(`"operationName":"${operation}"`) ?? false;
    return isIt ? act(route) : route.fallback();
  });
}

/** Refuses for good. */
const refuse = (route: Route) =>
  route.fulfill({
    status: 400,
    json: { errors: [{ message: 'Not today.', extensions: { code: 'BAD_ARGUMENT', retryable: false } }] },
  });

test('whoever tries too many passwords is told when to try again', async ({ browser, ownShop: { site } }) => {
  const page = await pageOf(browser, site, 'customer');
  await page.goto('/');
  await page.getByLabel('E-mail address').fill('customer@demo.test');
  await page.getByLabel('Password').fill('a wrong password');
  await expect(async () => {
    await page.getByRole('button', { name: 'Sign in' }).click();
    const told = page.getByRole('alert').filter({ hasText: /Try again in \d/ });
    await expect(told).toBeVisible({ timeout: 2_000 });
  }).toPass();
  await page.context().close();
});

test('what nginx refuses for a moment is asked for again', async ({ browser, shop }) => {
  const page = await signIn(browser, shop.site, 'customer');
  let asked = 0;
  await answer(page, 'MyOrders', async (route) => {
    if (++asked > 2) return route.fallback();
    const error = { message: 'Too many requests.', extensions: { code: 'RATE_LIMITED', retryable: true } };
    await route.fulfill({ status: 429, headers: { 'Retry-After': '1' }, json: { errors: [error] } });
  });
  await open(page, 'Orders');
  await expect.poll(() => asked).toBeGreaterThanOrEqual(3);
  await expect(page.getByText('Loading your orders…')).toHaveCount(0);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.context().close();
});

test('a list says why there is no more of it, and what it shows may be old', async ({ browser, shop }) => {
  const { number } = await orderOne(shop.server.url, 'FV-002');
  const page = await signIn(browser, shop.site, 'customer2');
  await expect(page.getByTestId('product')).toHaveCount(24);
  await answer(page, 'Products', refuse);
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect(page.getByRole('alert')).toContainText('Not today.');
  await page.unroute('**/graphql');
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect(page.getByTestId('product')).toHaveCount(48);
  await expect(page.getByRole('alert')).toHaveCount(0);

  await open(page, 'Orders');
  const order = page.getByRole('link', { name: number });
  await expect(order).toBeVisible();
  await open(page, 'Cart');
  await answer(page, 'MyOrders', refuse);
  await open(page, 'Orders');
  await expect(page.getByRole('alert')).toContainText('This may have changed since. Not today.');
  await expect(order).toBeVisible();
  await page.unroute('**/graphql');
  await tryAgain(page);
  await expect(order).toBeVisible();
  await page.context().close();
});

test('a page that was loaded while the server was away comes back by itself', async ({
  browser,
  ownShop: { server, site },
}) => {
  const page = await signIn(browser, site, 'customer');
  await server.kill();
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('cannot be reached');
  await server.begin();
  server.join();
  await expect(connection(page)).toHaveText('Live');
  await page.context().close();
});

test('the answer to an order is lost, and the customer arrives at it all the same', async ({
  browser,
  shop,
}) => {
  const page = await signIn(browser, shop.site, 'customer');
  await page.getByLabel('Search').fill('paneer');
  await page.getByRole('button', { name: /^Add Paneer/ }).click();
  await open(page, 'Cart');
  await page.getByLabel('Cash at the door').check();
  const keys: string[] = [];
  let orderId = '';
  await answer(page, 'PlaceOrder', async (route) => {
    keys.push(route.request().postDataJSON().variables.input.idempotencyKey);
    if (keys.length > 1) return route.fallback();
    const reply = await route.fetch();
    orderId = (await reply.json()).data.result.order.id;
    await route.abort('connectionreset');
  });
  await page.getByRole('button', { name: /^Order for/ }).click();
  await expect(page.getByText('Whether this was ordered is not known.')).toBeVisible();
  // It was: the cart is empty by now.
  await expect(page.getByTestId('cart-count')).toHaveText('(0)');
  await page.getByRole('button', { name: /^Order for/ }).click();
  await expect(page.getByRole('heading', { name: /^QC-/ })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe(`/orders/${orderId}`);
  expect(keys[1]).toBe(keys[0]);
  await open(page, 'Cart');
  await expect(page.getByText('Your cart is empty.')).toBeVisible();
  await page.context().close();
});
