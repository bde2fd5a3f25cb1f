import { randomUUID } from 'node:crypto';
import { Refusal } from './account.mjs';
import { codeOf } from './customer.mjs';
import { counts, say, trouble } from './log.mjs';
import { settings } from './settings.mjs';
import { end, forever, pause, stopped } from './time.mjs';

/**
 * @typedef {import('./account.mjs').Account} Account
 * @typedef {{ latitude: number, longitude: number }} Point
 */

const KM_PER_DEGREE = 111.195;
/** Where partners begin their day. */
const START = { latitude: 12.958, longitude: 77.632 };

/** Takes orders one after the other, rides to the store and to the door, and says where it is all the while. */
export class Partner {
  /** @type {Point} */
  #at = { latitude: START.latitude + (Math.random() - 0.5) / 50, longitude: START.longitude + (Math.random() - 0.5) / 50 };
  /** @type {Set<string>} what can be claimed, as the subscription has it */
  #offers = new Set();
  #hears = () => {};

  /**
   * @param {Account} account
   * @param {readonly Account[]} customers
   */
  constructor(account, customers) {
    this.account = account;
    this.customers = customers;
  }

  async work() {
    await Promise.all([
      forever(this.account.name, () => this.#watch()),
      forever(this.account.name, () => this.#day()),
    ]);
  }

  /** Knows what is on offer. */
  async #watch() {
    await this.account.follow('Offers', (item) => {
      switch (item.__typename) {
        case 'AvailableOrdersSnapshot':
          this.#offers = new Set(item.orders.map((/** @type {any} */ { orderId }) => orderId));
          break;
        case 'OrderAvailable':
          this.#offers.add(item.order.orderId);
          break;
        case 'OrderUnavailable':
          this.#offers.delete(item.orderId);
          break;
        default:
          this.#offers.clear(); // a snapshot follows
      }
      this.#hears();
    });
  }

  /** Ends what a former day began, then takes what comes. */
  async #day() {
    await this.account.send('SetAvailability', { input: { available: true } });
    await this.#report();
    const { deliveries } = await this.account.send('Unfinished');
    for (const delivery of deliveries.nodes) await this.#deliver(delivery);
    while (!stopped.aborted) {
      const delivery = await this.#claim();
      if (delivery) await this.#deliver(delivery);
    }
  }

  /** Waits for an offer, thinks, and reaches for it; `undefined` when another was faster, or nobody would know the code. */
  async #claim() {
    const [orderId] = this.#offers;
    if (orderId === undefined) {
      // positions are kept for minutes only, and who stands still is somewhere too
      await Promise.race([pause(20), new Promise((resolve) => (this.#hears = () => resolve(undefined)))]);
      await this.#report();
      return undefined;
    }
    await pause(Math.random() * settings.thinkSeconds);
    if (stopped.aborted || !this.#offers.has(orderId)) return undefined;
    this.#offers.delete(orderId);
    // an order of somebody else is left to them: nobody here could say the code at the door
    if (!(await codeOf(this.customers, orderId))) return undefined;
    try {
      const { order } = await this.account.send('Claim', { input: { idempotencyKey: randomUUID(), orderId } });
      counts.claimed += 1;
      say(this.account.name, `takes ${order.number}`);
      return order;
    } catch (error) {
      if (!(error instanceof Refusal && ['CLAIM_LOST', 'NOT_FOUND', 'ILLEGAL_TRANSITION'].includes(error.code))) throw error;
      counts.lost += 1;
      say(this.account.name, 'was too late');
      return undefined;
    }
  }

  /** @param {any} delivery from wherever it is now */
  async #deliver({ id, number, status, seller, deliveryAddress }) {
    const step = (/** @type {string} */ to, /** @type {string} */ deliveryCode = '') =>
      this.account.send('Step', {
        input: { idempotencyKey: randomUUID(), orderId: id, status: to, ...(deliveryCode && { deliveryCode }) },
      });
    try {
      if (status === 'ASSIGNED') {
        await this.#ride(seller.location);
        if (stopped.aborted) return;
        await step('PICKED_UP');
      }
      if (status !== 'IN_TRANSIT') await step('IN_TRANSIT');
      if (deliveryAddress?.location) await this.#ride(deliveryAddress.location);
      const door = await codeOf(this.customers, id);
      if (stopped.aborted || !door) return;
      await step('DELIVERED', door.code);
      counts.delivered += 1;
      say(this.account.name, `delivers ${number}`);
      if (counts.delivered === settings.runDeliveries) end();
      if (Math.random() < 0.5) {
        await door.customer.send('Rate', { input: { orderId: id, score: 3 + Math.floor(Math.random() * 3) } });
      }
    } catch (error) {
      // cancelled, reassigned or taken on by hand meanwhile: that is its end here
      if (!(error instanceof Refusal)) throw error;
      trouble(this.account.name, error);
    }
  }

  /** @param {Point} to */
  async #ride(to) {
    while (!stopped.aborted) {
      const east = Math.cos((to.latitude * Math.PI) / 180);
      const [up, right] = [to.latitude - this.#at.latitude, (to.longitude - this.#at.longitude) * east];
      const km = Math.hypot(up, right) * KM_PER_DEGREE;
      const stride = (settings.speedKmh / 3600) * settings.reportSeconds;
      const part = km <= stride ? 1 : stride / km;
      this.#at = {
        latitude: this.#at.latitude + up * part,
        longitude: this.#at.longitude + (right * part) / east,
      };
      await this.#report((Math.atan2(right, up) * 180) / Math.PI);
      if (part === 1) return;
      await pause(settings.reportSeconds);
    }
  }

  /** @param {number} [heading] in degrees */
  async #report(heading) {
    const moving = heading !== undefined && { heading: (heading + 360) % 360, speedKmh: Math.min(settings.speedKmh, 300) };
    await this.account.send('Report', { input: { point: this.#at, accuracyM: 10, ...moving } });
  }
}
