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

test('what is typed while a message is on its way stays, and blanks are none', async ({ browser, shop }) => {
  const { id: orderId, number } = await orderOne(shop.server.url, 'FV-004');
  await takeBesides(shop.server.url, 'partner2', orderId);
  const customer = await signIn(browser, shop.site, 'customer2');
  await customer.goto(`/orders/${orderId}`);
  const chat = customer.getByRole('region', { name: `Chat about ${number}` });
  const draft = chat.getByLabel('Message', { exact: true });
  await draft.fill('   ');
  await draft.press('Enter');
  await expect.poll(() => draft.evaluate((input) => input.matches(':user-invalid'))).toBe(true);

  let goOn = () => {};
  const isHeld = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await customer.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('SendMessage')) await isHeld;
    await route.fallback();
  });
  await draft.fill('I am in the garden.');
  await draft.press('Enter');
  await draft.fill('The gate is open.');
  goOn();
  await expect(chat.getByRole('log')).toContainText('I am in the garden.');
  await expect(chat.getByRole('button', { name: 'Send' })).not.toHaveAttribute('aria-disabled');
  await expect(draft).toHaveValue('The gate is open.');
  await draft.press('Enter');
  await expect(chat.getByRole('log')).toContainText('The gate is open.');
  await expect(draft).toHaveValue('');
  await customer.context().close();
  await giveBackBesides(shop.server.url, orderId);
});
