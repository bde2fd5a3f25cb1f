import type { DeliveryFragment, DeliveryUpdatesSubscription } from './gql/graphql.ts';

/** An order that the bot carries, as it knows it. */
export class Delivery {
  #order: DeliveryFragment;
  readonly #over = new AbortController();
  #isLeft = false;

  constructor(order: DeliveryFragment) {
    this.#order = order;
  }

  get order(): DeliveryFragment {
    return this.#order;
  }

  /** Aborted once the order is not ours to carry any more: delivered, cancelled, or given to another. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether somebody else has to see to it. It is ours until that is done. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Whether it is for us to go on with. */
  get isUnderWay(): boolean {
    return !this.#isLeft && !this.over.aborted;
  }

  /** What the server lets us do next, by its own word and not by ours. */
  get next(): 'PICK_UP' | 'START_TRANSIT' | 'DELIVER' | undefined {
    return (['PICK_UP', 'START_TRANSIT', 'DELIVER'] as const).find((action) => this.#order.viewerActions.includes(action));
  }

  /** Whether it ended before we heard of an end. */
  get isLost(): boolean {
    return this.#over.signal.aborted && this.next !== undefined;
  }

  /** The order as an answer or an event has it. One that is older than what is known says nothing. */
  take(order: DeliveryFragment): void {
    if (order.version < this.#order.version) return;
    this.#order = order;
    if (!this.next) this.end();
  }

  hear(item: DeliveryUpdatesSubscription['update']): void {
    if ('order' in item) this.take(item.order);
  }

  leave(): void {
    this.#isLeft = true;
  }

  end(): void {
    this.#over.abort();
  }
}
