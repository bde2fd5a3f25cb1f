import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bell } from './bell.ts';
import { Delivery } from './delivery.ts';
import type { Door } from './door.ts';
import {
  ClaimOrderDocument,
  DeliveryUpdatesDocument,
  OffersDocument,
  OneDeliveryDocument,
  ReportLocationDocument,
  SetAvailabilityDocument,
  TakeStepDocument,
  TakeUpDocument,
  type DeliveryFragment,
  type OfferFragment,
  type OrderStatus,
  type ReportLocationInput,
} from './gql/graphql.ts';
import { RequestError } from './http.ts';
import { backOff, type Line } from './line.ts';
import { distanceKm, heading, towards, type Point } from './map.ts';
import { Offers } from './offers.ts';
import { best, type Rule } from './rule.ts';
import { SignInError } from './session.ts';

export interface Plan {
  /** Where it waits for orders, and around which it looks for them. */
  home: Point;
  radiusKm: number;
  rule: Rule;
  speedKmh: number;
  /** From one position to the next, in milliseconds. */
  tickMs: number;
  /** The longest that it says nothing of where it is while it stands, in milliseconds: the server forgets who is silent. */
  reportMs: number;
  /** How much faster than time it rides: 1, unless somebody is watching who cannot wait. */
  timeLapse: number;
}

/** From one question to the next about an order of which nothing is told, at first. */
const AGAIN_MS = 1_000;

/** From noticing that offers are not told of to asking for them: in the meantime several more may go, or a good one come. */
const LOOK_MS = 2_000;

/** How often a code may be wrong before an admin has to see to it; the server has a limit as well. */
const CODES = 3;

export class Bot {
  readonly #line: Line;
  readonly #plan: Plan;
  readonly #door: Door;
  readonly #say: (event: string, about?: object) => void;
  readonly #offers = new Offers();
  /** What it carries, in the order in which it will be delivered. What it has left is in it too, as the server counts that. */
  readonly #round = new Map<string, Delivery>();
  readonly #bell = { claiming: new Bell(), riding: new Bell() };
  #stopOffers = () => {};
  #look: NodeJS.Timeout | undefined;
  #capacity = 0;
  /** The server said so. Until a delivery ends it need not be asked again. */
  #isFull = false;
  #here: Point;
  /** When it last said where it is; by a clock that nobody sets. */
  #reportedAt = -Infinity;
  /** Why the server does not know where it is. */
  #unknown: string | undefined;

  constructor(line: Line, plan: Plan, door: Door, say: (event: string, about?: object) => void) {
    this.#line = line;
    this.#plan = plan;
    this.#door = door;
    this.#say = say;
    this.#here = plan.home;
  }

  /** Works until something fails that trying again does not mend. */
  async run(): Promise<never> {
    await this.#takeUp();
    await this.#goOnline();
    this.#watchOffers();
    return Promise.race([this.#claimAlways(), this.#rideAlways(), this.#stayKnown()]);
  }

  /** Nobody gives it orders any more. What it carries stays, for the next start. */
  async goOffline(): Promise<void> {
    try {
      await this.#line.sendOnce(SetAvailabilityDocument, { input: { available: false } });
    } catch (error) {
      // whose account is not let in any more is given none anyway
      if (error instanceof SignInError) return;
      if (!(error instanceof RequestError)) throw error;
      this.#say('not offline', { why: error.message });
    }
  }

  /** Goes on with what it carried when it was stopped, from where it was seen last. */
  async #takeUp(): Promise<void> {
    const { viewer, partner } = await this.#line.send(TakeUpDocument, {});
    if (!viewer?.user.partner) throw new Error('the account is not a partner’s');
    this.#capacity = viewer.user.partner.capacity;
    this.#here = viewer.user.partner.location?.point ?? this.#here;
    for (const order of partner.deliveries.nodes.toReversed()) this.#carry(order);
  }

  async #goOnline(): Promise<void> {
    await this.#line.send(SetAvailabilityDocument, { input: { available: true } });
  }

  // ─────────────────────────────── claiming ───────────────────────────────

  /** From a snapshot on: what it replaces is forgotten as it comes. */
  #watchOffers(): void {
    const { home: near, radiusKm } = this.#plan;
    const stop = this.#stopOffers;
    this.#stopOffers = this.#line.watch(
      OffersDocument,
      { near: { latitude: near.latitude, longitude: near.longitude }, radiusKm },
      {
        item: (item) => {
          this.#say('told', { of: item.__typename });
          this.#offers.take(item);
          this.#bell.claiming.ring();
        },
      },
    );
    // not before: the client closes a socket that nobody needs
    stop();
  }

  async #claimAlways(): Promise<never> {
    for (;;) {
      const hasRoom = !this.#isFull && this.#round.size < this.#capacity;
      const offer = hasRoom ? best(this.#plan.rule, this.#offers, this.#here) : undefined;
      if (hasRoom && !offer && this.#offers.areOthers) this.#lookFurther();
      await (offer ? this.#claim(offer) : this.#bell.claiming.rung());
    }
  }

  /** The server begins with a hundred offers and tells of changes only, so those that waited behind them have to be asked for. */
  #lookFurther(): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      this.#watchOffers();
    }, LOOK_MS);
  }

  async #claim(offer: OfferFragment): Promise<void> {
    const input = { orderId: offer.orderId, idempotencyKey: randomUUID() };
    const { claimOrder } = await this.#line.send(ClaimOrderDocument, { input });
    if (claimOrder.order) {
      this.#offers.drop(offer.orderId);
      this.#say('claimed', { order: offer.number });
      this.#carry(claimOrder.order);
      return;
    }
    const [problem] = claimOrder.userErrors;
    this.#say('not claimed', { order: offer.number, why: problem?.message });
    if (problem?.code === 'PARTNER_OFFLINE') return this.#goOnline();
    if (problem && 'reason' in problem && problem.reason === 'AT_CAPACITY') this.#isFull = true;
    // should it be offered again, the subscription says so
    else this.#offers.drop(offer.orderId);
  }

  #carry(order: DeliveryFragment): void {
    // one that was taken from us and is claimed anew: the end of the first time is not that of the second
    this.#round.get(order.id)?.end();
    const delivery = new Delivery(order);
    this.#round.set(order.id, delivery);
    delivery.over.addEventListener('abort', () => {
      const { number, status } = delivery.order;
      // of an order that was taken from us, what became of it is not ours to know
      this.#say(delivery.isLost ? 'lost' : 'over', { order: number, status });
      this.#round.delete(order.id);
      this.#isFull = false;
      this.#bell.claiming.ring();
    });
    this.#watch(delivery);
    this.#bell.riding.ring();
  }

  #watch(delivery: Delivery, tries = 0): void {
    const stop = this.#line.watch(
      DeliveryUpdatesDocument,
      { orderId: delivery.order.id },
      {
        item: (item) => {
          tries = 0;
          delivery.hear(item);
        },
        end: () => void this.#askAgain(delivery, tries),
      },
    );
    delivery.over.addEventListener('abort', stop);
  }

  /**
   * Nothing more is told of an order: it is over, or it is not ours any more, or something went wrong with the telling. What is ours is
   * delivered all the same, so this is never given up.
   */
  async #askAgain(delivery: Delivery, tries: number): Promise<void> {
    const orderId = delivery.order.id;
    const { order } = await this.#line.send(OneDeliveryDocument, { orderId });
    if (order) delivery.take(order);
    else delivery.end();
    if (delivery.over.aborted) return;
    await sleep(backOff(AGAIN_MS, tries));
    if (!delivery.over.aborted) this.#watch(delivery, tries + 1);
  }

  // ────────────────────────────── delivering ──────────────────────────────

  /** One order after the other: whoever rides is in one place. */
  async #rideAlways(): Promise<never> {
    for (;;) {
      const delivery = [...this.#round.values()].find(({ isLeft }) => !isLeft);
      await (delivery ? this.#deliver(delivery) : this.#bell.riding.rung());
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    this.#say('delivering', { order: delivery.order.number, from: delivery.order.status });
    while (delivery.isUnderWay) {
      const { seller, deliveryAddress } = delivery.order;
      switch (delivery.next) {
        case 'PICK_UP':
          await this.#ride(seller.location, delivery.over);
          await this.#step(delivery, 'PICKED_UP');
          break;
        case 'START_TRANSIT':
          await this.#step(delivery, 'IN_TRANSIT');
          break;
        case 'DELIVER':
          await this.#ride(deliveryAddress?.location ?? this.#here, delivery.over);
          await this.#handOver(delivery);
          break;
        case undefined:
          delivery.end();
      }
    }
  }

  async #handOver(delivery: Delivery): Promise<void> {
    for (let tries = 0; tries < CODES && delivery.isUnderWay; tries++) {
      this.#say('at the door', { order: delivery.order.number, orderId: delivery.order.id });
      const deliveryCode = await this.#door(delivery.order, delivery.over);
      if (delivery.over.aborted) return;
      if (!deliveryCode) break;
      if (await this.#step(delivery, 'DELIVERED', deliveryCode)) return;
    }
    this.#leave(delivery);
  }

  /** Still ours by the server's books, so it is followed to its end: an admin sees to it, or it is taken up again at the next start. */
  #leave(delivery: Delivery): void {
    if (!delivery.isUnderWay) return;
    this.#say('left', { order: delivery.order.number });
    delivery.leave();
  }

  /** Whether it was taken. The key makes it one step, however often it is sent, also by the bot that is started after this one. */
  async #step(delivery: Delivery, status: OrderStatus, deliveryCode?: string): Promise<boolean> {
    if (delivery.over.aborted) return false;
    const { id, number, version: known } = delivery.order;
    const input = { orderId: id, status, deliveryCode, idempotencyKey: `${id}-${status}` };
    const { updateOrderStatus } = await this.#line.send(TakeStepDocument, { input });
    if (updateOrderStatus.order) {
      this.#say('step', { order: number, status });
      delivery.take(updateOrderStatus.order);
      return true;
    }
    const [problem] = updateOrderStatus.userErrors;
    this.#say('refused', { order: number, status, why: problem?.message });
    if (problem?.code === 'PROOF_WRONG') return false;
    const { order } = await this.#line.send(OneDeliveryDocument, { orderId: id });
    if (!order) delivery.end();
    else if (order.version > known) delivery.take(order);
    else this.#leave(delivery);
    return false;
  }

  async #ride(to: Point, signal: AbortSignal): Promise<void> {
    const { speedKmh, tickMs, timeLapse } = this.#plan;
    const stride = (speedKmh * tickMs * timeLapse) / 3_600_000;
    while (distanceKm(this.#here, to) > 0 && !signal.aborted) {
      await sleep(tickMs);
      const { latitude, longitude } = towards(this.#here, to, stride);
      const input = { point: { latitude, longitude }, heading: heading(this.#here, to), speedKmh };
      this.#here = { latitude, longitude };
      await this.#report(input);
    }
  }

  // ────────────────────────────── being known ─────────────────────────────

  /** Says again where it is while it stands: at home, at a store, at a door. */
  async #stayKnown(): Promise<never> {
    const { reportMs } = this.#plan;
    for (;;) {
      const silentMs = performance.now() - this.#reportedAt;
      if (silentMs < reportMs) {
        await sleep(reportMs - silentMs);
        continue;
      }
      const { latitude, longitude } = this.#here;
      await this.#report({ point: { latitude, longitude } });
    }
  }

  /** A position that does not get through is followed by a newer one, and holds up no delivery. Why it did not is said once. */
  async #report(input: ReportLocationInput): Promise<void> {
    this.#reportedAt = performance.now();
    const why = await this.#line.sendOnce(ReportLocationDocument, { input }).then(
      ({ reportLocation }) => reportLocation.userErrors[0]?.message,
      (error) => {
        if (error instanceof RequestError) return error.message;
        throw error;
      },
    );
    if (why && why !== this.#unknown) this.#say('not reported', { why });
    this.#unknown = why;
  }
}
