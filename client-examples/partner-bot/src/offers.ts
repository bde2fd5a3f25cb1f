import type { OfferFragment, OffersSubscription } from './gql/graphql.ts';

/** What can be claimed, as the subscription tells it. */
export class Offers {
  readonly #known = new Map<string, OfferFragment>();
  /** The snapshot was cut off. */
  #isCut = false;
  /** Some have gone since the snapshot. */
  #haveGone = false;

  /** Whether another snapshot would have offers that this one had no room for: of those nothing is told. */
  get areOthers(): boolean {
    return this.#isCut && this.#haveGone;
  }

  take(item: OffersSubscription['offers']): void {
    switch (item.__typename) {
      case 'AvailableOrdersSnapshot':
        this.#known.clear();
        for (const order of item.orders) this.#known.set(order.orderId, order);
        this.#isCut = item.more;
        this.#haveGone = false;
        break;
      case 'OrderAvailable':
        this.#known.set(item.order.orderId, item.order);
        break;
      case 'OrderUnavailable':
        this.#known.delete(item.orderId);
        this.#haveGone = true;
        break;
      case 'StreamReset':
        // some changes were missed; a snapshot follows
        this.#known.clear();
    }
  }

  /** Ours now, or somebody else's. */
  drop(orderId: string): void {
    this.#known.delete(orderId);
  }

  [Symbol.iterator](): Iterator<OfferFragment> {
    return this.#known.values();
  }
}
