import { expect } from '@playwright/test';
import { Device } from './support/api';
import { orderOne, takeBesides } from './support/orders';
import { open, signIn, test } from './support/shop';

const FAR_AWAY = { latitude: 13.35, longitude: 77.1 };
const AT_THE_STORE = { latitude: 12.9784, longitude: 77.6408 };

test('a promo code takes something off the cart, and can be taken off itself', async ({ browser, shop }) => {
  const admin = await Device.signIn(shop.server.url, 'admin');
  await admin.ask(
    'mutation ($input: CreatePromoInput!) { result: createPromo(input: $input) { userErrors { message } } }',
    { code: 'WEB10', percentOff: '10' },
  );
  const page = await signIn(browser, shop.site, 'customer');
  await page.getByLabel('Search').fill('paneer');
  await page.getByRole('button', { name: /^Add Paneer/ }).click();
  await open(page, 'Cart');
  const code = page.getByLabel('Promo code');
  await code.fill('NO-SUCH-CODE');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page.getByRole('main').getByRole('listitem').filter({ hasText: 'code' })).toBeVisible();
  const total = page.getByRole('button', { name: /^Order for/ });
  const full = await total.textContent();
  await code.fill('web10');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page.getByText('Promo code WEB10')).toBeVisible();
  await expect(page.getByRole('term').filter({ hasText: 'Discount' })).toBeVisible();
  await expect(total).not.toHaveText(full ?? '');
  await page.getByRole('button', { name: 'Take off' }).click();
  await expect(code).toBeVisible();
  await expect(total).toHaveText(full ?? '');
  await page.getByRole('button', { name: /fewer$/ }).click();
  await expect(page.getByText('Your cart is empty.')).toBeVisible();
  await page.context().close();
});

test('a store gives some of a payment back, and then the rest, and the customer sees it', async ({
  browser,
  shop,
}) => {
  const { id } = await orderOne(shop.server.url, 'FV-002', 'CARD');
  const customer = await signIn(browser, shop.site, 'customer2');
  await customer.goto(`/orders/${id}`);
  await customer.getByRole('button', { name: 'Go on to pay' }).click();
  await customer.getByRole('button', { name: 'Pay', exact: true }).click();
  const seller = await signIn(browser, shop.site, 'seller');
  await seller.goto(`/orders/${id}`);
  const status = customer.getByTestId('payment-status');
  await expect(status).toHaveText('Paid');
  const refund = seller.getByRole('form', { name: 'Refund' });
  const giveBack = refund.getByRole('button', { name: 'Give back' });
  await refund.getByLabel('Amount').fill('100000');
  await giveBack.click();
  await expect(refund.getByRole('alert')).toBeVisible();
  await refund.getByLabel('Amount').fill('5.00');
  await giveBack.click();
  for (const page of [customer, seller])
    await expect(page.getByTestId('payment-status')).toHaveText('Partially refunded');
  await expect(refund.getByLabel('Amount')).toHaveValue('');
  await giveBack.click();
  for (const page of [customer, seller])
    await expect(page.getByTestId('payment-status')).toHaveText('Refunded');
  await expect(refund).toHaveCount(0);
  await Promise.all([customer, seller].map((page) => page.context().close()));
});

test('a partner plays a ride, and the customer’s map moves by itself; at the door nobody is there', async ({
  browser,
  shop,
}) => {
  const { id, number } = await orderOne(shop.server.url, 'FV-003');
  await takeBesides(shop.server.url, 'partner2', id);
  const customer = await signIn(browser, shop.site, 'customer2');
  await customer.goto(`/orders/${id}`);
  const partner = await signIn(browser, shop.site, 'partner2', { viewport: { width: 390, height: 844 } });
  const delivery = partner.getByTestId('delivery').filter({ hasText: number });
  await delivery.getByRole('button', { name: /^Picked up/ }).click();
  await delivery.getByRole('button', { name: /^On my way/ }).click();
  await expect(delivery.getByTestId('status')).toHaveText('In transit');
  await partner.getByLabel('Tell where I am').selectOption({ label: 'Play a ride' });
  const tracking = customer.getByTestId('tracking');
  await expect(tracking).toContainText('Sita Scooter is');
  const pin = customer.getByTestId('pin-partner');
  for (let moves = 0; moves < 2; moves++) {
    const before = await pin.getAttribute('transform');
    await expect(pin).not.toHaveAttribute('transform', before ?? '');
  }
  await partner.getByLabel('Tell where I am').selectOption({ label: 'No' });
  await delivery.getByText('It cannot be delivered').click();
  await delivery.getByLabel('Why').fill('Nobody is at home.');
  await delivery.getByRole('button', { name: 'Give up' }).click();
  await expect(delivery).toHaveCount(0);
  await expect(customer.getByRole('heading', { name: number, level: 1 })).toContainText('Failed');
  await expect(customer.getByTestId('timeline')).toContainText('Nobody is at home.');
  await Promise.all([customer, partner].map((page) => page.context().close()));
});

test('a partner gives back what they held, and sees only what is near', async ({ browser, shop }) => {
  const { number } = await orderOne(shop.server.url, 'FV-004');
  const partner = await signIn(browser, shop.site, 'partner');
  const offer = partner.getByTestId('offers').getByRole('listitem').filter({ hasText: number });
  const delivery = partner.getByTestId('delivery').filter({ hasText: number });
  await offer.getByRole('button', { name: `Hold ${number}` }).click();
  await expect(delivery.getByRole('timer')).toBeVisible();
  await delivery.getByRole('button', { name: `Give back ${number}` }).click();
  await expect(delivery).toHaveCount(0);
  await expect(offer).toBeVisible();

  await partner.context().setGeolocation(FAR_AWAY);
  await partner.getByLabel('Tell where I am').selectOption({ label: 'As this device says' });
  const near = partner.getByLabel('Only orders near me');
  await near.check();
  await expect(partner.getByText('Nothing to deliver just now.')).toBeVisible();
  await partner.context().setGeolocation(AT_THE_STORE);
  await expect(offer).toContainText('to the store');
  await near.uncheck();
  await partner.getByLabel('Tell where I am').selectOption({ label: 'No' });
  await expect(near).toBeDisabled();
  await partner.context().close();
});
