import { randomUUID } from 'node:crypto';
import { refused } from './checks.mjs';
import { Failure, expect, present } from './client/failure.mjs';
import { does, holds, money } from './narrator.mjs';

/**
 * @typedef {import('./people.mjs').Person} Person
 * @typedef {import('./operations.d.ts').PlaceOrderInput} PlaceOrderInput
 * @typedef {Awaited<ReturnType<typeof browse>>} Shelf
 */

/**
 * An order is one seller's; the demo seller's store also confirms, prepares and readies its orders by itself.
 *
 * @param {Person} seller
 * @param {Person} customer
 */
export async function browse(seller, customer) {
  const { seller: store } = await seller.line.send('Store', {});
  const filter = { sellerId: store.id, inStock: true, activeOnly: true };
  const shelf = await customer.line.send('Browse', { filter, sort: 'PRICE_ASC', first: 20 });
  const count = `${shelf.totalCount.precision === 'EXACT' ? '' : 'at least '}${shelf.totalCount.value}`;
  does('customer', `looks at ${store.storeName}: ${count} products in stock`);
  expect(
    shelf.nodes.every((product) => product.inStock && product.seller.id === store.id),
    `the filter leaves only what ${store.storeName} has in stock`,
    shelf.nodes,
  );

  const products = shelf.nodes.filter(({ available }) => available >= 2).slice(0, 2);
  const [wanted] = products;
  if (wanted === undefined) throw new Failure(`${store.storeName} has nothing left to sell: seed the demo data anew`);

  const found = await customer.line.send('Browse', { filter, search: wanted.name, sort: 'RELEVANCE', first: 20 });
  does('customer', `searches for “${wanted.name}”: ${found.nodes.length} found`);
  expect(
    found.nodes.some(({ id }) => id === wanted.id),
    'a search for its name finds the product',
    found.nodes.map(({ name }) => name),
  );
  return { store, products };
}

/**
 * @param {Person} customer
 * @param {Shelf} shelf
 */
export async function placeOrder(customer, { store, products }) {
  /** @type {PlaceOrderInput} */
  const input = {
    // Made once for the intention, not for the request: a repeat after a lost answer must carry the same one.
    idempotencyKey: randomUUID(),
    items: products.map(({ id }, index) => ({ productId: id, quantity: index === 0 ? 2 : 1 })),
    paymentMethod: 'CASH_ON_DELIVERY',
    address: {
      label: 'Home',
      line1: '12 Lake View Road',
      city: 'Bengaluru',
      region: 'Karnataka',
      postalCode: '560001',
      country: 'IN',
      // Some two kilometres from wherever the store is: near enough for any delivery area.
      location: { latitude: store.location.latitude + 0.015, longitude: store.location.longitude + 0.01 },
      instructions: 'Ring twice',
    },
  };
  const order = present((await customer.line.send('PlaceOrder', { input })).order, 'the order placed');
  does('customer', `places ${order.number}: ${products.map(({ name }) => name).join(' and ')}, ${money(order.total)}`);

  const again = present((await customer.line.send('PlaceOrder', { input })).order, 'the same order again');
  expect(again.id === order.id, 'the same request with the same key is the same order', [order.id, again.id]);
  holds('the same request with the same key came back with the same order');

  const other = { ...input, note: 'something else under the same key' };
  await refused('IDEMPOTENCY_MISMATCH', 'customer', customer.line.send('PlaceOrder', { input: other }));
  await refused('INVALID_ID', 'customer', customer.line.send('Timeline', { orderId: 'not-an-id' }));
  return order;
}
