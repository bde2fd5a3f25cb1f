import { randomUUID } from 'node:crypto';
import { Device } from './api';
import { productOf } from './goods';

/** An order as the tests ask for it. */
export interface Placed {
  id: string;
  number: string;
}

const PLACE = `mutation ($input: PlaceOrderInput!) {
  result: placeOrder(input: $input) { order { id number } userErrors { message } }
}`;

/** Orders of a second customer, past the site: one for each of these SKUs. */
export async function orderBesides(
  url: string,
  skus: readonly string[],
  paymentMethod: 'CARD' | 'CASH_ON_DELIVERY' = 'CASH_ON_DELIVERY',
  promoCode?: string,
): Promise<Placed[]> {
  const phone = await Device.signIn(url, 'customer2');
  const placed: Placed[] = [];
  for (const sku of skus) {
    const { id: productId } = await productOf(url, sku);
    const { order } = await phone.ask<{ order: Placed }>(PLACE, {
      idempotencyKey: randomUUID(),
      items: [{ productId, quantity: 1 }],
      address: {
        label: 'Home',
        line1: '221, 80 Feet Road',
        city: 'Bengaluru',
        postalCode: '560034',
        country: 'IN',
        location: { latitude: 12.9634, longitude: 77.6392 },
      },
      paymentMethod,
      promoCode,
    });
    placed.push(order);
  }
  return placed;
}

/** The only order that was placed, or the first of them. */
export async function orderOne(url: string, sku: string, method?: 'CARD'): Promise<Placed> {
  const [order] = await orderBesides(url, [sku], method);
  if (!order) throw new Error('nothing was ordered');
  return order;
}

const CLAIM = `mutation ($input: ClaimOrderInput!) {
  result: claimOrder(input: $input) { order { id } userErrors { message } }
}`;

const STEP = `mutation ($input: UpdateOrderStatusInput!) {
  result: updateOrderStatus(input: $input) { order { id } userErrors { message } }
}`;

/** `who` takes the order, on a device of theirs. */
export async function takeBesides(url: string, who: string, orderId: string): Promise<void> {
  const phone = await Device.signIn(url, who);
  await phone.ask(CLAIM, { idempotencyKey: randomUUID(), orderId, accept: true });
}

/** `who` holds the order for a while, on a device of theirs, and may take it. */
export async function holdBesides(url: string, who: string, orderId: string): Promise<void> {
  const phone = await Device.signIn(url, who);
  await phone.ask(CLAIM, { idempotencyKey: randomUUID(), orderId, accept: false });
}

/** The code that the second customer says at the door. */
export async function codeOf(url: string, orderId: string): Promise<string> {
  const customer = await Device.signIn(url, 'customer2');
  const { order } = await customer.look<{ order: { deliveryCode: string } }>(
    'query ($id: ID!) { order(id: $id) { deliveryCode } }',
    { id: orderId },
  );
  return order.deliveryCode;
}

/** `who`, who took the order of the second customer, brings it to the door, on a device of theirs. */
export async function deliverBesides(url: string, who: string, orderId: string): Promise<void> {
  const phone = await Device.signIn(url, who);
  for (const status of ['PICKED_UP', 'IN_TRANSIT'])
    await phone.ask(STEP, { idempotencyKey: randomUUID(), orderId, status });
  const deliveryCode = await codeOf(url, orderId);
  await phone.ask(STEP, { idempotencyKey: randomUUID(), orderId, status: 'DELIVERED', deliveryCode });
}

/** An admin takes the order from its partner, on a device of theirs. */
export async function giveBackBesides(url: string, orderId: string): Promise<void> {
  const phone = await Device.signIn(url, 'admin');
  await phone.ask(STEP, { idempotencyKey: randomUUID(), orderId, status: 'READY' });
}
