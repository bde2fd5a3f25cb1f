import { expect } from './client/failure.mjs';
import { Refusal } from './client/line.mjs';
import { holds } from './narrator.mjs';

/**
 * @typedef {import('./operations.d.ts').OrderEventType} OrderEventType
 * @typedef {import('./client/line.mjs').Answer<'OrderUpdates'> | import('./client/line.mjs').Answer<'AdminUpdates'>} OrderItem
 * @typedef {{ version: number, status: string, type: OrderEventType | null }} Step
 */

/**
 * How an order went, as one feed told it. Events come at least once and in order: one that is not newer than the last
 * is a repeat and is passed over, and a version that was skipped is an event lost.
 *
 * @param {string} who
 * @param {readonly OrderItem[]} items
 * @param {string} orderId
 */
export function stepsSeen(who, items, orderId) {
  /** @type {Step[]} */
  const steps = [];
  for (const item of items) {
    const step = stepOf(item, orderId);
    const last = steps.at(-1);
    if (step === undefined || (last !== undefined && step.version <= last.version)) continue;
    if (last !== undefined) inSequence(`the order's versions come to the ${who} without a gap`, last.version, step.version);
    steps.push(step);
  }
  return steps;
}

/**
 * @param {OrderItem} item
 * @param {string} orderId
 * @returns {Step | undefined}
 */
function stepOf(item, orderId) {
  if (!('order' in item) || item.order.id !== orderId) return undefined;
  if (item.__typename === 'OrderSnapshot') return { version: item.order.version, status: item.order.status, type: null };
  return { version: item.event.orderVersion, status: item.event.status, type: item.event.type };
}

/**
 * @param {string} what
 * @param {number} before
 * @param {number} after
 */
export function inSequence(what, before, after) {
  expect(after === before + 1, what, `${after} after ${before}`);
}

/**
 * Others may stand between them: how a kitchen divides its work, or when a payment is booked, is the server's to say.
 *
 * @param {string} what
 * @param {readonly OrderEventType[]} types
 * @param {readonly OrderEventType[]} wanted
 */
export function inThisOrder(what, types, wanted) {
  let from = 0;
  for (const type of wanted) {
    from = types.indexOf(type, from) + 1;
    expect(from > 0, `${what}, with ${type} in its place`, types);
  }
}

/**
 * @param {string} code
 * @param {string} who
 * @param {Promise<unknown>} request
 */
export async function refused(code, who, request) {
  const error = await request.then(
    () => undefined,
    (reason) => reason,
  );
  if (error !== undefined && !(error instanceof Refusal)) throw error;
  expect(error?.has(code) ?? false, `a refusal with ${code}`, error?.message ?? 'no refusal');
  holds(`${who}: ${error?.message}`);
}
