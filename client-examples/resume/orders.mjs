// `$after` has to be declared, and `cursor` asked for under its own name: that is all that resuming needs of a document.
export const MY_ORDERS = `subscription MyOrders($after: EventCursor) {
  orders: myOrderUpdates(after: $after) {
    __typename
    ... on OrderSnapshot { cursor order { id number version status } }
    ... on OrderChanged { cursor event { type } order { id number version status } }
    ... on StreamPosition { cursor }
    ... on StreamReset { cursor reason }
  }
}`;

/**
 * @typedef {{ id: string, number: string, version: number, status: string }} Order
 * @typedef {{ __typename: 'OrderSnapshot', cursor: string, order: Order }
 *   | { __typename: 'OrderChanged', cursor: string, event: { type: string }, order: Order }
 *   | { __typename: 'StreamPosition', cursor: string }
 *   | { __typename: 'StreamReset', cursor: string, reason: string }} Item
 */

/** The orders as they are known, by what was received. */
export class Orders {
  /** @type {Map<string, Order>} */
  known = new Map();

  /**
   * Whether `item` was news. An order's versions only go up, so one that is not above what is known was seen before.
   *
   * @param {Item} item
   */
  take(item) {
    if (item.__typename === 'StreamReset') {
      // What is known may be out of date, and nothing will say so: what follows is all there is.
      this.known.clear();
      return true;
    }
    // there is no open order to begin with; kinds that come later may have none either
    if (!('order' in item)) return true;
    const { order } = item;
    if (order.version <= (this.known.get(order.id)?.version ?? 0)) return false;
    this.known.set(order.id, order);
    return true;
  }
}
