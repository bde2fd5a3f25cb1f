import { inSequence, inThisOrder } from './checks.mjs';
import { expect, present } from './client/failure.mjs';
import { holds } from './narrator.mjs';

/**
 * @typedef {import('./people.mjs').Person} Person
 * @typedef {import('./checks.mjs').Step} Step
 * @typedef {import('./client/line.mjs').Answer<'AvailableOrders'>} AvailableItem
 */

/**
 * Every turn that one order took on the partner's list, in order and each once: an event may come more than once.
 *
 * @param {readonly AvailableItem[]} items
 * @param {string} orderId
 */
export function turnsOf(items, orderId) {
  /** @type {Map<string, string>} */
  const turns = new Map();
  for (const item of items) {
    if (item.__typename === 'OrderAvailable' && item.order.orderId === orderId) turns.set(item.eventId, 'AVAILABLE');
    if (item.__typename === 'OrderUnavailable' && item.orderId === orderId) turns.set(item.eventId, item.reason);
  }
  return [...turns.values()];
}

/**
 * @param {Person} customer
 * @param {string} orderId
 * @param {string[]} turns what the partner's list said of it
 * @param {Record<'customer' | 'seller' | 'admin', Step[]>} seen
 */
export async function lookBack(customer, orderId, turns, seen) {
  const order = present(await customer.line.send('Timeline', { orderId }), 'the order delivered');
  const events = order.timeline.nodes;
  console.log(`\n         ${order.number}, as the timeline has it`);
  for (const { at, orderVersion, type, actorRole } of events) {
    console.log(`         ${at}  v${String(orderVersion).padEnd(3)} ${type.padEnd(18)} ${actorRole ?? ''}`.trimEnd());
  }
  console.log();

  expect(order.status === 'DELIVERED', 'the order is delivered', order.status);
  events.forEach(({ orderVersion }, index) => {
    const before = events[index - 1];
    if (before) inSequence("the timeline's versions are without a gap", before.orderVersion, orderVersion);
  });
  inThisOrder(
    'the timeline tells the whole delivery',
    events.map(({ type }) => type),
    ['PLACED', 'READY', 'CLAIM_HELD', 'ASSIGNED', 'PICKED_UP', 'IN_TRANSIT', 'DELIVERED'],
  );
  holds('the timeline is complete, its versions without a gap');

  const [opening, ...rest] = turns;
  expect(
    opening === 'AVAILABLE' && rest.length > 0 && rest.every((reason) => reason === 'CLAIMED' || reason === 'ASSIGNED'),
    "on the partner's list the order is available once, and then taken",
    turns,
  );
  holds('the partner saw the order become available once, and then taken');

  const placed = events[0]?.orderVersion;
  expect(seen.admin[0]?.version === placed, 'the admin saw the order from its first version', seen.admin[0]);

  for (const [who, steps] of Object.entries(seen)) {
    const first = present(steps[0], `${who}'s first update`);
    const last = present(steps.at(-1), `${who}'s last update`);
    expect(last.status === 'DELIVERED', `what the ${who} saw ends in DELIVERED`, last);
    const told = steps.filter(({ type }) => type !== null).map(({ version, type }) => `v${version} ${type}`);
    const recorded = events
      .filter(({ orderVersion }) => orderVersion <= last.version && orderVersion >= first.version)
      .filter(({ orderVersion }) => first.type !== null || orderVersion > first.version)
      .map(({ orderVersion, type }) => `v${orderVersion} ${type}`);
    expect(told.join() === recorded.join(), `the ${who} was told what the timeline has`, { told, recorded });
    holds(`the ${who} saw v${first.version} to v${last.version} without a gap, ending in DELIVERED`);
  }
}
