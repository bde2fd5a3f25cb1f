import { randomUUID } from 'node:crypto';
import { expect, type WebSocketRoute } from '@playwright/test';
import { Device } from './support/api';
import { orderOne, takeBesides } from './support/orders';
import { signIn, test } from './support/shop';

const STEP = `mutation ($input: UpdateOrderStatusInput!) {
  result: updateOrderStatus(input: $input) { userErrors { message } }
}`;

/** More often than a query is asked before its page gives up. */
const OFTEN = 7;

const UNAVAILABLE = { message: 'Try again.', extensions: { code: 'UNAVAILABLE', retryable: true } };

test('what a feed has told is shown in the end, though the answer that would show it failed for long', async ({
  browser,
  ownShop: { server, site },
}) => {
  const { id: orderId, number } = await orderOne(server.url, 'FV-002');
  await takeBesides(server.url, 'partner', orderId);
  const page = await signIn(browser, site, 'partner');
  const delivery = page.getByTestId('delivery').filter({ hasText: number });
  await expect(delivery.getByTestId('status')).toHaveText('Assigned');

  let asked = 0;
  const isClaims = (body: string | null) => body?.includes('"operationName":"Claims"') ?? false;
  await page.route('**/graphql', async (route) => {
    if (!isClaims(route.request().postData())) return route.fallback();
    asked++;
    await route.fulfill({ status: 503, json: { errors: [UNAVAILABLE] } });
  });
  const phone = await Device.signIn(server.url, 'partner');
  await phone.ask(STEP, { idempotencyKey: randomUUID(), orderId, status: 'PICKED_UP' });
  await expect.poll(() => asked, { timeout: 60_000 }).toBeGreaterThanOrEqual(OFTEN);
  await page.unroute('**/graphql');
  await expect(delivery.getByTestId('status')).toHaveText('Picked up', { timeout: 60_000 });
  await page.context().close();
});

test('a feed that ended with an error that may go well later goes on where it was, and one that is refused does not', async ({
  browser,
  ownShop: { server, site },
}) => {
  const { id: orderId, number } = await orderOne(server.url, 'FV-002');
  const page = await signIn(browser, site, 'customer2');
  /** The feeds of the order that were asked for, those of late last. */
  const begun: { id: string; after: string | undefined }[] = [];
  let line: { page: WebSocketRoute; server: WebSocketRoute } | undefined;
  await page.routeWebSocket('**/graphql', (toPage) => {
    const toServer = toPage.connectToServer();
    line = { page: toPage, server: toServer };
    toPage.onMessage((message) => {
      const { id, type, payload } = JSON.parse(String(message));
      if (type === 'subscribe' && payload.operationName === 'OrderUpdates')
        begun.push({ id, after: payload.variables.after });
      toServer.send(message);
    });
  });
  /** Ends the feed of the order, as the server would. */
  const end = (error: typeof UNAVAILABLE) => {
    const id = begun.at(-1)?.id;
    line?.server.send(JSON.stringify({ id, type: 'complete' }));
    line?.page.send(JSON.stringify({ id, type: 'error', payload: [error] }));
  };
  await page.goto(`/orders/${orderId}`);
  const heading = page.getByRole('heading', { name: number, level: 1 });
  await expect(heading).toContainText('Ready');
  await expect(page.getByTestId('timeline')).toContainText('Ready');
  await expect.poll(() => begun.length).toBe(1);
  expect(begun[0]?.after).toBeUndefined();

  end(UNAVAILABLE);
  await expect(page.getByRole('alert')).toContainText('Try again.');
  // Nobody tells the page of this but the feed, once it goes on.
  await takeBesides(server.url, 'partner', orderId);
  await expect(heading).toContainText('Assigned');
  await expect(page.getByRole('alert')).toHaveCount(0);
  expect(begun.map(({ after }) => typeof after)).toEqual(['undefined', 'string']);
  const versions = await page
    .getByTestId('timeline')
    .getByRole('listitem')
    .evaluateAll((entries) => entries.map((entry) => Number(entry.dataset.version)));
  expect(versions).toEqual(Array.from({ length: versions.length }, (_, index) => index + 1));

  end({ message: 'No more.', extensions: { code: 'FORBIDDEN', retryable: false } });
  await expect(page.getByRole('alert')).toContainText('No more.');
  // Whoever wants it all the same has it from the beginning.
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect
    .poll(() => begun.map(({ after }) => typeof after))
    .toEqual(['undefined', 'string', 'undefined']);
  await page.context().close();
});
