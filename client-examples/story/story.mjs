// One order from the shelf to the door: node story.mjs [server]
import { stepsSeen } from './checks.mjs';
import { Failure } from './client/failure.mjs';
import { claim, deliver } from './delivery.mjs';
import { lookBack, turnsOf } from './hindsight.mjs';
import { hears, holds } from './narrator.mjs';
import { gather, setAvailable } from './people.mjs';
import { browse, placeOrder } from './shopping.mjs';

const server = process.argv[2] ?? process.env.QUICK_COMMERCE_URL ?? 'http://127.0.0.1:8080';

/** @param {import('./people.mjs').Cast} cast */
async function story({ customer, partner, seller, admin }) {
  // The seller's and the admin's feeds tell of everyone's orders; only this run's are printed.
  const platform = admin.line.watch('AdminUpdates', {}, (item) => {
    const about = 'order' in item ? item.order.customer.id : 'partner' in item ? item.partner.id : undefined;
    if (about === undefined || about === customer.id || about === partner.id) hears('admin', item);
  });
  const counter = seller.line.watch('SellerOrderUpdates', {}, (item) => {
    if (!('order' in item) || item.order.customer.id === customer.id) hears('seller', item);
  });
  await platform.until('its snapshot', (item) => item.__typename === 'AdminSnapshot');

  await setAvailable(partner, true);
  await platform.until('the partner to become available', (item) =>
    item.__typename === 'PartnerChanged' && item.partner.id === partner.id && item.partner.partner?.available === true,
  );
  holds('the admin saw the partner become available');

  const shelf = await browse(seller, customer);
  const near = { latitude: shelf.store.location.latitude, longitude: shelf.store.location.longitude };
  const available = partner.line.watch('AvailableOrders', { near, radiusKm: 10 }, (item) => hears('partner', item));
  // From its snapshot on a feed is live: what happens now cannot be missed.
  await available.until('its snapshot', (item) => item.__typename === 'AvailableOrdersSnapshot');

  const { id, number } = await placeOrder(customer, shelf);
  const updates = customer.line.watch('OrderUpdates', { orderId: id }, (item) => hears('customer', item));
  await updates.until('its snapshot', (item) => item.__typename === 'OrderSnapshot');

  await available.until(`${number} to be ready`, (item) =>
    item.__typename === 'OrderAvailable' && item.order.orderId === id,
  );
  await claim(partner, id);
  await available.until(`${number} to be gone`, (item) =>
    item.__typename === 'OrderUnavailable' && item.orderId === id,
  );
  await deliver(partner, customer, id);

  for (const feed of [updates, counter, platform]) {
    await feed.until(`${number} to be delivered`, (item) =>
      item.__typename === 'OrderChanged' && item.order.id === id && item.event.type === 'DELIVERED',
    );
  }
  await lookBack(customer, id, turnsOf(available.items, id), {
    customer: stepsSeen('customer', updates.items, id),
    seller: stepsSeen('seller', counter.items, id),
    admin: stepsSeen('admin', platform.items, id),
  });
  await setAvailable(partner, false);
}

/** @param {unknown} error */
function fail(error) {
  console.error(error instanceof Failure ? `story: ${error.message}` : error);
  process.exitCode = 1;
}

try {
  const cast = await gather(server);
  await story(cast).catch(fail);
  const closings = await Promise.allSettled(Object.values(cast).map(({ line }) => line.close()));
  for (const closing of closings) if (closing.status === 'rejected') fail(closing.reason);
} catch (error) {
  fail(error);
}
if (!process.exitCode) console.log('story: ok');
