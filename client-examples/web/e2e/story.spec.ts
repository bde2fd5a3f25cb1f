import { randomUUID } from 'node:crypto';
import { expect, type Page } from '@playwright/test';
import { Device } from './support/api';
import { orderBesides } from './support/orders';
import { caughtUp, connection, noticed, open, signIn, test } from './support/shop';

const HALFWAY = { latitude: 12.9751, longitude: 77.641 };
const NEARLY = { latitude: 12.9725, longitude: 77.6412 };

/** The row of an order on a desk that has a table of them. */
const row = (page: Page, orderId: string) => page.locator(`tr[data-order="${orderId}"]`);

/** `npm run pictures` keeps them; other runs leave what is in the repository as it is. */
const album = process.env.PICTURES ?? 'test-results/pictures';
const picture = (page: Page, name: string) =>
  page.screenshot({ path: `${album}/${name}.png`, animations: 'disabled' });

test('an order goes from the shelf to the door, and every screen goes with it', async ({ browser, shop }) => {
  const { server, site } = shop;
  await orderBesides(server.url, ['FV-005', 'DR-004', 'BK-005', 'FZ-005']);
  const [customer, partner, seller, admin] = await Promise.all([
    signIn(browser, site, 'customer'),
    signIn(browser, site, 'partner'),
    signIn(browser, site, 'seller'),
    signIn(browser, site, 'admin'),
  ]);
  const everybody = [customer, partner, seller, admin];
  let orderId = '';
  let number = '';

  await test.step('the customer searches and fills the cart', async () => {
    await customer.getByLabel('Search').fill('ghee');
    const ghee = customer.getByTestId('product').filter({ hasText: 'Cow Ghee' });
    await ghee.getByRole('button', { name: /^Add/ }).click();
    for (const count of [2, 3]) {
      await ghee.getByRole('button', { name: 'One more Cow Ghee' }).click();
      await expect(ghee.getByRole('status')).toHaveText(String(count));
    }
    await expect(customer.getByTestId('cart-count')).toHaveText('(3)');
    await open(customer, 'Cart');
    await expect(customer.getByRole('heading', { name: 'From Indiranagar Fresh' })).toBeVisible();
  });

  await test.step('goods break in the store: the seller is alarmed, and the cart says what is wrong with it', async () => {
    await open(seller, 'Stock');
    await seller.getByLabel('Search').fill('ghee');
    const ghee = seller.locator('tr[data-sku="DR-008"]').last();
    await ghee.getByLabel(/^Pieces of/).fill('-23');
    await ghee.getByLabel(/^Why/).selectOption({ label: 'Damaged' });
    await ghee.getByRole('button', { name: /^Record/ }).click();
    await expect(seller.getByTestId('low-stock-alerts')).toContainText('Cow Ghee 500 ml: only 2 left');
    await expect(customer.getByTestId('cart-problems')).not.toBeEmpty();
    await expect(customer.getByRole('button', { name: /^Order for/ })).toBeDisabled();
    await customer.getByRole('button', { name: 'Take 2 of Cow Ghee' }).click();
    await expect(customer.getByTestId('cart-problems')).toBeEmpty();
    await open(seller, 'Orders');
  });

  await test.step('the customer orders, is declined, and pays', async () => {
    await customer.getByLabel('By card, now').check();
    await customer.getByRole('button', { name: /^Order for/ }).click();
    await expect(customer.getByRole('heading', { name: /^QC-/ })).toContainText('Pending');
    orderId = new URL(customer.url()).pathname.split('/').at(-1) ?? '';
    number =
      ((await customer.getByRole('heading', { name: /^QC-/ }).textContent()) ?? '').split(' ')[0] ?? '';
    await expect(row(seller, orderId).getByTestId('status')).toHaveText('Pending');
    await expect(row(admin, orderId).getByTestId('status')).toHaveText('Pending');
    await expect(partner.getByText(number)).toHaveCount(0);

    await customer.getByRole('button', { name: 'Go on to pay' }).click();
    await customer.getByRole('button', { name: 'Have it declined' }).click();
    await expect(customer.getByText('The last try failed')).toBeVisible();
    await customer.getByRole('button', { name: 'Pay', exact: true }).click();
    await expect(customer.getByTestId('payment-status')).toHaveText('Paid');
    for (const page of [seller, admin])
      await expect(row(page, orderId).getByTestId('status')).toHaveText('Ready');
  });

  await test.step('the partner sees it appear, holds it against the clock, and accepts', async () => {
    const offer = partner.getByTestId('offers').getByRole('listitem').filter({ hasText: number });
    await offer.getByRole('button', { name: `Hold ${number}` }).click();
    const delivery = partner.getByTestId('delivery');
    await expect(delivery.getByRole('timer')).toHaveText(/^[012]:\d\d$/);
    await expect(offer).toHaveCount(0);
    await expect(customer.getByTestId('timeline')).toContainText('Claim held');
    await delivery.getByRole('button', { name: `Accept ${number}` }).click();
    await expect(delivery.getByTestId('status')).toHaveText('Assigned');
    await expect(customer.getByRole('heading', { name: number, level: 1 })).toContainText('Assigned');
    for (const page of [seller, admin]) {
      await expect(row(page, orderId).getByTestId('status')).toHaveText('Assigned');
      await expect(row(page, orderId)).toContainText('Ravi Rider');
    }
  });

  await test.step('they write to each other', async () => {
    await partner.getByRole('textbox', { name: 'Message' }).fill('Which gate?');
    await partner.getByRole('button', { name: 'Send' }).click();
    await expect(customer.getByRole('log')).toContainText('Which gate?');
    await customer.getByRole('textbox', { name: 'Message' }).fill('The green one.');
    await customer.getByRole('button', { name: 'Send' }).click();
    await expect(partner.getByRole('log')).toContainText('The green one.');
    await expect(partner.getByRole('log')).toContainText(', read');
  });

  await test.step('the partner moves, and the customer’s map with them', async () => {
    const tracking = customer.getByTestId('tracking');
    await partner.getByLabel('Tell where I am').selectOption('device');
    await expect(tracking).toContainText('Ravi Rider is');
    await partner.getByRole('button', { name: /^Picked up/ }).click();
    await expect(customer.getByRole('heading', { name: number, level: 1 })).toContainText('Picked up');
    const pin = customer.getByTestId('pin-partner');
    const before = await pin.getAttribute('transform');
    await partner.context().setGeolocation(HALFWAY);
    await expect(pin).not.toHaveAttribute('transform', before ?? '');
    await expect(tracking).toContainText(/Ravi Rider is 3\d\d m away/);
  });

  await test.step('the server is killed, and what happens before anybody is back is on every screen afterwards', async () => {
    await server.kill();
    await noticed(...everybody);
    // It is there again, and things happen that nobody hears of: the pages do not reach it yet.
    await server.begin();
    const phone = await Device.signIn(server.instances[0]?.url ?? '', 'partner');
    await phone.ask(
      'mutation ($input: UpdateOrderStatusInput!) { result: updateOrderStatus(input: $input) { userErrors { message } } }',
      {
        idempotencyKey: randomUUID(),
        orderId,
        status: 'IN_TRANSIT',
      },
    );
    await phone.ask(
      'mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { userErrors { message } } }',
      {
        idempotencyKey: randomUUID(),
        orderId,
        body: 'I am on my way.',
      },
    );
    server.join();
    await caughtUp(...everybody);
    await expect(customer.getByRole('heading', { name: number, level: 1 })).toContainText('In transit');
    await expect(customer.getByRole('log')).toContainText('I am on my way.');
    await expect(partner.getByTestId('delivery').getByTestId('status')).toHaveText('In transit');
    for (const page of [seller, admin])
      await expect(row(page, orderId).getByTestId('status')).toHaveText('In transit');
    for (const page of everybody) await expect(connection(page)).toHaveText('Live');
  });

  await test.step('pictures of the four desks', async () => {
    await partner.context().setGeolocation(NEARLY);
    await expect(customer.getByTestId('tracking')).toContainText(/Ravi Rider is \d\d m away/);
    await customer.getByRole('heading', { name: 'On the map' }).scrollIntoViewIfNeeded();
    await partner.getByTestId('delivery').scrollIntoViewIfNeeded();
    await picture(customer, 'customer');
    await picture(partner, 'partner');
    await picture(seller, 'seller');
    await picture(admin, 'admin');
  });

  await test.step('the code at the door, and it is delivered', async () => {
    const code = (await customer.getByTestId('delivery-code').textContent()) ?? '';
    const field = partner.getByLabel('Code of the customer');
    await field.fill(code === '0000' ? '1111' : '0000');
    await partner.getByRole('button', { name: 'Hand over' }).click();
    await expect(partner.getByTestId('delivery').getByRole('alert')).toBeVisible();
    await field.fill(code);
    await partner.getByRole('button', { name: 'Hand over' }).click();
    await expect(partner.getByText('You carry nothing.')).toBeVisible();
    await expect(customer.getByRole('heading', { name: number, level: 1 })).toContainText('Delivered');
    for (const page of [seller, admin])
      await expect(row(page, orderId).getByTestId('status')).toHaveText('Delivered');
  });

  await test.step('the customer rates it, and the partner has earned', async () => {
    await customer.getByLabel('5 ★').check();
    await customer.getByLabel('Anything to add?').fill('Fast.');
    await customer.getByRole('button', { name: 'Rate' }).click();
    await expect(customer.getByTestId('rating')).toHaveText('5 of 5: “Fast.”');
    await open(partner, 'Earnings');
    await expect(partner.getByText('for 1 delivery')).toBeVisible();
    await expect(partner.getByTestId('earned')).toHaveText(/^₹(?!0\.00)\d+\.\d\d$/);
    await open(seller, 'Sales');
    await expect(seller.getByTestId('sales')).toContainText('Cow Ghee');
  });

  await test.step('nothing was missed, and nothing is there twice', async () => {
    await expect(customer.getByTestId('timeline')).toContainText('Rated');
    const seen = await customer
      .getByTestId('timeline')
      .getByRole('listitem')
      .evaluateAll((entries) => entries.map((entry) => Number(entry.dataset.version)));
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1));
    const told = (text: string) => customer.getByRole('log').getByText(text, { exact: true });
    for (const text of ['Which gate?', 'The green one.', 'I am on my way.'])
      await expect(told(text)).toHaveCount(1);
  });

  await Promise.all(everybody.map((page) => page.context().close()));
});
