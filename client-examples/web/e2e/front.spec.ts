import { expect } from '@playwright/test';
import { orderBesides } from './support/orders';
import { caughtUp, connection, noticed, open, said, signIn, test } from './support/shop';
import { isNginx } from './support/site';

test.skip(!isNginx, 'this is about nginx: QC_NGINX=1');

test('the pages work as nginx serves them', async ({ browser, shop }) => {
  await orderBesides(shop.server.url, ['FV-003']);
  const page = await signIn(browser, shop.site, 'customer2');
  // Pictures come from the instances, by another path of the same origin.
  const picture = page.getByTestId('product').first().getByRole('presentation');
  await expect
    .poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth))
    .toBeGreaterThan(0);
  await open(page, 'Orders');
  await page.getByRole('main').getByRole('link', { name: /^QC-/ }).first().click();
  await expect(page.getByTestId('timeline')).toBeVisible();
  // There is no such file: the app finds its way by itself.
  const reply = await page.reload();
  expect(new URL(page.url()).pathname).toMatch(/^\/orders\/ord_/);
  expect(reply?.headers()).toMatchObject({
    'cache-control': 'no-cache',
    'content-security-policy': expect.stringContaining("default-src 'self';"),
    'permissions-policy': expect.stringContaining('geolocation=(self)'),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  await expect(page.getByTestId('timeline')).toBeVisible();
  await expect(connection(page)).toHaveText('Live');
  const script = (await page.locator('script[src]').first().getAttribute('src')) ?? '';
  expect((await page.request.get(script)).headers()['cache-control']).toContain('immutable');
  await page.context().close();
});

test('an instance dies, and whoever was on it goes on at another', async ({
  browser,
  ownShop: { server, site },
}) => {
  const [dying] = server.instances;
  test.skip(!dying || server.instances.length < 2, 'one instance alone has no other: QC_INSTANCES=2');
  const names = ['customer', 'partner', 'seller', 'admin'];
  const everybody = await Promise.all(names.map((who) => signIn(browser, site, who)));
  const isCut = async () =>
    Promise.all(everybody.map(async (page) => (await said(page)).includes('Reconnecting')));
  await dying?.kill();
  // nginx gives each instance some of them: those with the fewest connections first.
  await expect.poll(async () => (await isCut()).includes(true)).toBe(true);
  const cut = await isCut();
  expect(cut).toContain(false);
  await caughtUp(...everybody.filter((_, index) => cut[index]));
  // What happens now is on every screen, whichever instance it was on.
  await orderBesides(`http://127.0.0.1:${server.instances[1]?.network.port}`, ['BK-001']);
  const [, partner, seller, admin] = everybody;
  if (!partner || !seller || !admin) throw new Error('there are four of them');
  await expect(partner.getByTestId('offers').getByRole('listitem')).not.toHaveCount(0);
  for (const page of [seller, admin])
    await expect(page.getByTestId('orders').getByTestId('status').first()).toHaveText('Ready');
  // And back: it comes again, and the other goes.
  await dying?.begin();
  dying?.join();
  await server.instances[1]?.kill();
  await noticed(...everybody.filter((_, index) => !cut[index]));
  await caughtUp(...everybody);
  await Promise.all(everybody.map((page) => page.context().close()));
});
