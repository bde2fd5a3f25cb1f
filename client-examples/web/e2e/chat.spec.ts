import { randomUUID } from 'node:crypto';
import { expect } from '@playwright/test';
import { Device } from './support/api';
import { giveBackBesides, orderOne, takeBesides } from './support/orders';
import { open, signIn, test } from './support/shop';

const SEND = `mutation ($input: SendMessageInput!) {
  result: sendMessage(input: $input) { userErrors { message } }
}`;

test('a message has been read once it was on the screen, and not before', async ({ browser, shop }) => {
  const { id: orderId, number } = await orderOne(shop.server.url, 'FV-004');
  await takeBesides(shop.server.url, 'partner2', orderId);
  const partner = await signIn(browser, shop.site, 'partner2', { viewport: { width: 390, height: 844 } });
  const delivery = partner.getByTestId('delivery').filter({ hasText: number });
  const log = delivery.locator('[role="log"]');
  await expect(log).toBeAttached();
  await open(partner, 'Earnings');
  const marks: unknown[] = [];
  partner.on('request', (request) => {
    if (request.postData()?.includes('MarkMessagesRead')) marks.push(request.postDataJSON().variables);
  });

  const phone = await Device.signIn(shop.server.url, 'customer2');
  const write = (body: string) => phone.ask(SEND, { idempotencyKey: randomUUID(), orderId, body });
  await write('I am in the garden.');
  await expect(log).toContainText('I am in the garden.');
  await write('The gate is open.');
  await expect(log).toContainText('The gate is open.');
  expect(marks).toEqual([]);

  const customer = await signIn(browser, shop.site, 'customer2');
  await customer.goto(`/orders/${orderId}`);
  await expect(customer.getByRole('log')).toContainText('The gate is open.');
  await expect(customer.getByRole('log')).not.toContainText(', read');
  await open(partner, 'Work');
  await log.scrollIntoViewIfNeeded();
  await expect(customer.getByRole('log').getByText(', read')).toHaveCount(2);
  await Promise.all([customer, partner].map((page) => page.context().close()));
  await giveBackBesides(shop.server.url, orderId);
});
