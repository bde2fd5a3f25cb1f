import { expect } from '@playwright/test';
import { orderOne } from './support/orders';
import { keepShop, signIn, test } from './support/shop';
import { isNginx } from './support/site';
import { GOOD_CARD, PUBLISHABLE_KEY, SLOW_ACCOUNT, Stripe } from './support/stripe';

test('what Stripe has taken fails later, and the same form takes something else', async ({ browser }) => {
  test.skip(!isNginx, 'the key is with nginx, and so is the leave to bring the form: QC_NGINX=1');
  const stripe = await Stripe.open();
  const play = async ({ server, site }: Parameters<Parameters<typeof keepShop>[0]>[0]) => {
    const { id } = await orderOne(server.url, 'ST-003', 'CARD');
    const page = await signIn(browser, site, 'customer2');
    await stripe.serve(page, server);
    await page.goto(`/orders/${id}`);
    await page.getByRole('button', { name: 'Go on to pay' }).click();
    const field = page.getByLabel('Card number');
    const pay = page.getByRole('button', { name: 'Pay', exact: true });
    const taken = page.getByText('Stripe has it.');
    await field.fill(SLOW_ACCOUNT);
    await pay.click();
    await expect(taken).toBeVisible();
    await expect(pay).toHaveCount(0);

    await stripe.fail(server);
    await expect(page.getByText('The last try failed: Your bank did not pay.')).toBeVisible();
    await expect(taken).toHaveCount(0);
    await expect(field).toHaveValue(SLOW_ACCOUNT);
    await field.fill(GOOD_CARD);
    await pay.click();
    await expect(page.getByTestId('payment-status')).toHaveText('Paid');
    await page.context().close();
  };
  await keepShop(play, stripe.settings, { stripeKey: PUBLISHABLE_KEY });
  stripe.close();
});
