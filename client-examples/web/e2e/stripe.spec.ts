import { expect } from '@playwright/test';
import { orderOne } from './support/orders';
import { keepShop, signIn, test } from './support/shop';
import { isNginx } from './support/site';
import { BAD_CARD, GOOD_CARD, PUBLISHABLE_KEY, Stripe } from './support/stripe';

test('without a key of Stripe’s the page says that it cannot be paid here, and asks Stripe nothing', async ({
  browser,
}) => {
  const stripe = await Stripe.open();
  await keepShop(async ({ server, site }) => {
    const { id } = await orderOne(server.url, 'ST-002', 'CARD');
    const page = await signIn(browser, site, 'customer2');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).host));
    await page.goto(`/orders/${id}`);
    await page.getByRole('button', { name: 'Go on to pay' }).click();
    await expect(page.getByRole('alert')).toContainText('paid through Stripe, whose form is not set up');
    expect(new Set(asked)).toEqual(new Set([new URL(site.url).host]));
    await page.context().close();
  }, stripe.settings);
  stripe.close();
});

test('with a key of Stripe’s its form is brought, a card is declined, and another pays', async ({
  browser,
}) => {
  test.skip(!isNginx, 'the key is with nginx, and so is the leave to bring the form: QC_NGINX=1');
  const stripe = await Stripe.open();
  const play = async ({ server, site }: Parameters<Parameters<typeof keepShop>[0]>[0]) => {
    const { id } = await orderOne(server.url, 'ST-003', 'CARD');
    const page = await signIn(browser, site, 'customer2');
    await stripe.serve(page, server);
    await page.goto(`/orders/${id}`);
    await page.getByRole('button', { name: 'Go on to pay' }).click();
    await page.getByLabel('Card number').fill(BAD_CARD);
    await page.getByRole('button', { name: 'Pay', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText('Your card was declined.');
    await expect(page.getByText('The last try failed: Your card was declined.')).toBeVisible();
    await page.getByLabel('Card number').fill(GOOD_CARD);
    await page.getByRole('button', { name: 'Pay', exact: true }).click();
    await expect(page.getByTestId('payment-status')).toHaveText('Paid');
    await expect(page.getByRole('heading', { name: /^Pay / })).toHaveCount(0);
    await page.context().close();
  };
  await keepShop(play, stripe.settings, { stripeKey: PUBLISHABLE_KEY });
  stripe.close();
});
