/**
 * @template {import('./client/line.mjs').SubscriptionName} Name
 * @typedef {import('./client/line.mjs').Answer<Name>} Answer
 */
/** @typedef {Answer<'AvailableOrders'> | Answer<'OrderUpdates'> | Answer<'SellerOrderUpdates'> | Answer<'AdminUpdates'>} Item */

const started = performance.now();

/**
 * @param {string} who
 * @param {string} mark
 * @param {string} text
 */
function line(who, mark, text) {
  const seconds = ((performance.now() - started) / 1000).toFixed(3);
  console.log(`${seconds.padStart(7)}  ${who.padEnd(8)} ${mark} ${text}`);
}

/**
 * What somebody does.
 *
 * @param {string} who
 * @param {string} text
 */
export const does = (who, text) => line(who, '→', text);

/**
 * What somebody is told by a subscription.
 *
 * @param {string} who
 * @param {Item} item
 */
export const hears = (who, item) => line(who, '←', describe(item));

/** @param {string} text */
export const holds = (text) => line('', '✓', text);

/** @param {{ amount: string, currency: string }} money */
export const money = ({ amount, currency }) => `${amount} ${currency}`;

/** @param {Item} item */
function describe(item) {
  switch (item.__typename) {
    case 'AvailableOrdersSnapshot':
      return `AvailableOrdersSnapshot: ${item.orders.length}${item.more ? ' and more' : ''} to claim`;
    case 'OrderAvailable': {
      const { number, storeName, itemCount, distanceKm, payout } = item.order;
      return `OrderAvailable ${number}: ${itemCount} items from ${storeName}, ${distanceKm.toFixed(1)} km, ${money(payout)}`;
    }
    case 'OrderUnavailable':
      return `OrderUnavailable ${item.orderId}: ${item.reason}`;
    case 'AdminSnapshot': {
      const { ordersToday, unassignedOrders, activePartners } = item.stats;
      return `AdminSnapshot: ${ordersToday} orders today, ${unassignedOrders} unassigned, ${activePartners} active partners`;
    }
    case 'PartnerChanged':
      return `PartnerChanged: ${item.partner.partner?.available ? 'available' : 'not available'}`;
    case 'OrderSnapshot':
      return `OrderSnapshot ${item.order.number}: v${item.order.version} ${item.order.status}`;
    case 'OrderChanged': {
      const { orderVersion, type, status, actorRole } = item.event;
      const by = actorRole === null ? '' : `, by ${actorRole}`;
      return `OrderChanged ${item.order.number}: v${orderVersion} ${type}${type === status ? '' : ` (${status})`}${by}`;
    }
    case 'StreamReset':
      return `StreamReset: ${item.resetReason}`;
    default:
      // A newer server may send what this client does not know yet.
      return /** @type {{ __typename: string }} */ (item).__typename;
  }
}
