import { randomUUID } from 'node:crypto';
import { refused } from './checks.mjs';
import { expect, present } from './client/failure.mjs';
import { does } from './narrator.mjs';

/**
 * @typedef {import('./people.mjs').Person} Person
 * @typedef {import('./operations.d.ts').OrderStatus} OrderStatus
 */

/**
 * @param {Person} partner
 * @param {string} orderId
 */
export async function claim(partner, orderId) {
  const held = present(
    (await partner.line.send('ClaimOrder', { input: { idempotencyKey: randomUUID(), orderId, accept: false } })).claim,
    'the claim held',
  );
  expect(held.status === 'HELD', 'a claim not yet accepted is held', held);
  // Counted by the server's clock, since the device's may be minutes off.
  const until = present(held.expiresAt, 'an end to the hold');
  const seconds = Math.round((Date.parse(until) - Date.parse(held.serverTime)) / 1000);
  does('partner', `holds the order, for ${seconds} s`);

  const accepted = await partner.line.send('AcceptClaim', { input: { idempotencyKey: randomUUID(), claimId: held.id } });
  expect(accepted.claim?.status === 'ACCEPTED', 'the claim is accepted', accepted.claim);
  expect(accepted.order?.status === 'ASSIGNED', 'the order is assigned', accepted.order);
  does('partner', 'accepts the claim');
}

/**
 * @param {Person} partner
 * @param {Person} customer
 * @param {string} orderId
 */
export async function deliver(partner, customer, orderId) {
  /**
   * @param {OrderStatus} status
   * @param {string | null} [deliveryCode]
   */
  const update = (status, deliveryCode) =>
    partner.line.send('UpdateOrderStatus', { input: { idempotencyKey: randomUUID(), orderId, status, deliveryCode } });

  /**
   * @param {OrderStatus} status
   * @param {string} text
   * @param {string | null} [deliveryCode]
   */
  const step = async (status, text, deliveryCode) => {
    const { order } = await update(status, deliveryCode);
    expect(order?.status === status, `the order is ${status}`, order);
    does('partner', text);
  };

  await refused('ILLEGAL_TRANSITION', 'partner', update('IN_TRANSIT'));
  await step('PICKED_UP', 'picks the order up');
  await step('IN_TRANSIT', 'is on the way');

  const atTheDoor = present(await customer.line.send('DeliveryCode', { orderId }), "the customer's order");
  if (atTheDoor.deliveryCode !== null) {
    await refused('PROOF_REQUIRED', 'partner', update('DELIVERED'));
    does('customer', `reads the code out at the door: ${atTheDoor.deliveryCode}`);
  }
  await step('DELIVERED', 'delivers', atTheDoor.deliveryCode);
}
