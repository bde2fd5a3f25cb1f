import { randomUUID } from 'node:crypto';
import { counts, say } from './log.mjs';
import { settings } from './settings.mjs';
import { byChance, forever, pause, stopped } from './time.mjs';

/** @typedef {import('./account.mjs').Account} Account */

/**
 * Orders now and then, from one store at a time, to one of the customer's addresses.
 *
 * @param {Account} account
 */
export function shop(account) {
  const perSecond = settings.ordersPerMinute / 60 / settings.customers.length;
  return forever(account.name, async () => {
    await pause(perSecond > 0 ? byChance(perSecond) : 3600);
    if (stopped.aborted || perSecond === 0) return;
    const { viewer, products } = await account.send('Shelf');
    // more would only wait for longer: there are two partners
    if (viewer.orders.nodes.length * settings.customers.length >= settings.mostWaiting) return;
    const address = anyOf(viewer.user.addresses.filter((/** @type {any} */ { location }) => location !== null));
    const plenty = products.nodes.filter((/** @type {any} */ { available }) => available > 5);
    const first = anyOf(plenty);
    if (!address || !first) throw new Error('there is nothing to order, or nowhere to bring it: is the demo data there?');
    const store = plenty.filter((/** @type {any} */ { seller }) => seller.id === first.seller.id);
    const wanted = new Set([first.id, anyOf(store).id, anyOf(store).id].slice(0, 1 + Math.floor(Math.random() * 3)));
    const { order } = await account.send('PlaceOrder', {
      input: {
        idempotencyKey: randomUUID(),
        items: [...wanted].map((productId) => ({ productId, quantity: 1 + Math.floor(Math.random() * 2) })),
        addressId: address.id,
        paymentMethod: 'CASH_ON_DELIVERY',
      },
    });
    counts.placed += 1;
    say(account.name, `orders ${order.number}`);
  });
}

/**
 * The code that a partner has to know at the door, from whichever of `customers` ordered; `undefined` when it was none of
 * them.
 *
 * @param {readonly Account[]} customers
 * @param {string} orderId
 * @returns {Promise<{ customer: Account, code: string } | undefined>}
 */
export async function codeOf(customers, orderId) {
  for (const customer of customers) {
    const order = await customer.send('AtTheDoor', { id: orderId });
    if (order?.deliveryCode) return { customer, code: order.deliveryCode };
  }
  return undefined;
}

/**
 * @template T
 * @param {readonly T[]} list
 * @returns {T}
 */
function anyOf(list) {
  return /** @type {T} */ (list[Math.floor(Math.random() * list.length)]);
}
