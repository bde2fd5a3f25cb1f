import { randomUUID } from 'node:crypto';
import { expect, type Page, type WebSocketRoute } from '@playwright/test';
import { Device } from './support/api';
import { deliverBesides, orderOne, takeBesides } from './support/orders';
import { signIn, test } from './support/shop';

const STEP = `mutation ($input: UpdateOrderStatusInput!) {
  result: updateOrderStatus(input: $input) { userErrors { message } }
}`;

/** More often than a query is asked before its page gives up. */
const OFTEN = 7;

const UNAVAILABLE = { message: 'Try again.', extensions: { code: 'UNAVAILABLE', retryable: true } };

const FORBIDDEN = { message: 'No more.', extensions: { code: 'FORBIDDEN', retryable: false } };

/**
 * The feeds of that name that the page asks for once it is loaded anew, those of late last. The server hears of them when
 * `open` is kept.
 */
async function feedsOf(page: Page, operation: string, open?: Promise<void>) {
  const begun: { id: string; after: string | undefined; items: number }[] = [];
  let line: { page: WebSocketRoute; server: WebSocketRoute } | undefined;
  await page.routeWebSocket('**/graphql', (toPage) => {
    const toServer = toPage.connectToServer();
    line = { page: toPage, server: toServer };
    toPage.onMessage(async (message) => {
      const { id, type, payload } = JSON.parse(String(message));
      if (type === 'subscribe' && payload.operationName === operation) {
        begun.push({ id, after: payload.variables.after, items: 0 });
        if (open) await open;
      }
      toServer.send(message);
    });
    toServer.onMessage((message) => {
      const { id, type } = JSON.parse(String(message));
      const feed = begun.find((feed) => feed.id === id);
      if (feed && type === 'next') feed.items++;
      toPage.send(message);
    });
  });
  /** Ends the last of them, as the server would. */
  const end = (error: typeof UNAVAILABLE) => {
    const id = begun.at(-1)?.id;
    line?.server.send(JSON.stringify({ id, type: 'complete' }));
    line?.page.send(JSON.stringify({ id, type: 'error', payload: [error] }));
  };
  return { begun, end };
}

/** The versions of the order that its timeline tells of. */
function versionsOf(page: Page): Promise<number[]> {
  return page
    .getByTestId('timeline')
    .getByRole('listitem')
    .evaluateAll((entries) => entries.map((entry) => Number(entry.dataset.version)));
}

const upTo = (version: number) => Array.from({ length: version }, (_, index) => index + 1);

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
  const { begun, end } = await feedsOf(page, 'OrderUpdates');
  await page.goto(`/orders/${orderId}`);
  const heading = page.getByRole('heading', { name: number, level: 1 });
  await expect(heading).toContainText('Ready');
  await expect(page.getByTestId('timeline')).toContainText('Ready');
  // Before that there is nothing behind which it could go on.
  await expect.poll(() => begun[0]?.items).toBe(1);
  expect(begun[0]?.after).toBeUndefined();

  end(UNAVAILABLE);
  await expect(page.getByRole('alert')).toContainText('Try again.');
  // Nobody tells the page of this but the feed, once it goes on.
  await takeBesides(server.url, 'partner', orderId);
  await expect(heading).toContainText('Assigned');
  await expect(page.getByRole('alert')).toHaveCount(0);
  expect(begun.map(({ after }) => typeof after)).toEqual(['undefined', 'string']);
  const versions = await versionsOf(page);
  expect(versions).toEqual(upTo(versions.length));

  end(FORBIDDEN);
  await expect(page.getByRole('alert')).toContainText('No more.');
  await deliverBesides(server.url, 'partner', orderId);
  // Whoever wants it all the same has it from the beginning, and with what happened meanwhile.
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect
    .poll(() => begun.map(({ after }) => typeof after))
    .toEqual(['undefined', 'string', 'undefined']);
  await expect(page.getByTestId('timeline')).toContainText('Delivered');
  const all = await versionsOf(page);
  expect(all.length).toBeGreaterThan(versions.length);
  expect(all).toEqual(upTo(all.length));
  await page.context().close();
});

test('a chat that goes on where it was is open at once, though nobody writes', async ({
  browser,
  ownShop: { server, site },
}) => {
  const { id: orderId } = await orderOne(server.url, 'FV-002');
  await takeBesides(server.url, 'partner', orderId);
  const page = await signIn(browser, site, 'customer2');
  const { begun, end } = await feedsOf(page, 'Chat');
  await page.goto(`/orders/${orderId}`);
  await expect(page.getByText('Nobody has written yet.')).toBeVisible();
  end(UNAVAILABLE);
  await expect(page.getByRole('alert')).toContainText('Try again.');
  await expect.poll(() => begun.map(({ after }) => typeof after)).toEqual(['undefined', 'string']);
  await expect(page.getByText('Nobody has written yet.')).toBeVisible();
  await page.context().close();
});

test('what happened to an order between the answer that shows it and the begin of its feed is shown, too', async ({
  browser,
  ownShop: { server, site },
}) => {
  const { id: orderId } = await orderOne(server.url, 'FV-002');
  const page = await signIn(browser, site, 'customer2');
  let open = () => {};
  const { begun } = await feedsOf(page, 'OrderUpdates', new Promise((resolve) => (open = resolve)));
  await page.goto(`/orders/${orderId}`);
  await expect(page.getByTestId('timeline')).toContainText('Ready');
  await expect.poll(() => begun.length).toBe(1);
  const before = await versionsOf(page);
  await takeBesides(server.url, 'partner', orderId);
  open();
  await expect.poll(() => versionsOf(page)).toEqual(upTo(before.length + 1));
  await page.context().close();
});

test('orders that ended while a list had no feed are shown as they ended', async ({
  browser,
  ownShop: { server, site },
}) => {
  const takenOrder = async () => {
    const order = await orderOne(server.url, 'FV-002');
    await takeBesides(server.url, 'partner', order.id);
    return order;
  };
  for (const [who, feed] of [
    ['customer2', 'MyOrderUpdates'],
    ['seller', 'SellerOrderUpdates'],
  ] as const) {
    const page = await signIn(browser, site, who);
    const statusOf = ({ number }: { number: string }) =>
      page.locator('main').locator('li, tr').filter({ hasText: number }).getByTestId('status');
    let open = () => {};
    const { begun, end } = await feedsOf(page, feed, new Promise((resolve) => (open = resolve)));
    const first = await takenOrder();
    await page.goto('/orders');
    await expect(statusOf(first)).toHaveText('Assigned');
    await expect.poll(() => begun.length).toBe(1);
    await deliverBesides(server.url, 'partner', first.id);
    open();
    await expect(statusOf(first)).toHaveText('Delivered');

    end(FORBIDDEN);
    await expect(page.getByRole('alert')).toContainText('No more.');
    const second = await takenOrder();
    await deliverBesides(server.url, 'partner', second.id);
    await expect(statusOf(second)).toHaveCount(0);
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(statusOf(second)).toHaveText('Delivered');
    await page.context().close();
  }
});
