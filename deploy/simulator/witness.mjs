// Orders without a pause and follows its orders, while somebody else ends, adds and replaces what it is served by. It fails
// unless each order was made once, and each follower was told of every version, once. README.md says how it is run.
import { randomUUID } from 'node:crypto';
import { Account, Refusal } from './account.mjs';
import { followEvents } from './events.mjs';
import { say } from './log.mjs';
import { settings } from './settings.mjs';
import { end, pause, stopped } from './time.mjs';

const PATIENCE_SECONDS = 60;
const PAUSE_SECONDS = 0.25;
const WHO = 'witness';

/** Knows of each order the last version that it was told. */
class Follower {
  /** @type {Map<string, number>} */
  versions = new Map();
  /** @type {Map<string, string>} orders whose beginning it was told, by id */
  begun = new Map();
  connections = 0;

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  onConnected = () => {
    this.connections += 1;
  };

  /** @param {any} item */
  onItem = (item) => {
    if (item.__typename === 'StreamPosition') return;
    if (item.__typename === 'StreamReset') return fail(`${this.name} is to begin anew: ${item.reason}`);
    const { id, number, version } = item.order;
    const before = this.versions.get(id);
    this.versions.set(id, version);
    if (version === 1) this.begun.set(id, number);
    // a snapshot has the last hundred orders; of those before them the next change is the first word
    const isOlder = before === undefined && version > 1 && !orders.has(id);
    const isNext = item.__typename === 'OrderSnapshot' ? before === undefined : isOlder || version === (before ?? 0) + 1;
    if (!isNext) fail(`${this.name} is told version ${version} of ${number} after ${before ?? 'none'}`);
  };
}

/** @param {string} why */
function fail(why) {
  say(WHO, `fails: ${why}`);
  process.exit(1);
}

/** Sends it until there is an answer, and counts how often there was none. */
const refused = { count: 0, longestMs: 0 };
/**
 * @param {string} operation
 * @param {Record<string, unknown>} variables
 */
async function sendAtLast(operation, variables) {
  const began = Date.now();
  for (;;) {
    try {
      return await account.send(operation, variables);
    } catch (error) {
      if (error instanceof Refusal && !error.isRetryable) throw error;
      refused.count += 1;
      refused.longestMs = Math.max(refused.longestMs, Date.now() - began);
      if (Date.now() - began > PATIENCE_SECONDS * 1000) fail(`${operation} has no answer: ${error}`);
      await pause(PAUSE_SECONDS);
    }
  }
}

/** @type {Map<string, string>} numbers of the orders that were placed here, by id */
const orders = new Map();
const account = new Account(settings.customers[1] ?? '');
const followers = ['socket 1', 'socket 2', 'socket 3', 'socket 4', 'event stream'].map((name) => new Follower(name));
const following = followers.map(({ name, onItem, onConnected }) =>
  name.startsWith('socket')
    ? account.follow('Orders', onItem, onConnected)
    : followEvents(account, 'Orders', onItem, onConnected),
);
Promise.all(following).then(() => stopped.aborted || fail('a stream has ended'), (error) => fail(String(error)));

let isOver = false;
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => (isOver = true));
for (let waited = 0; followers.some(({ connections }) => connections === 0); waited += PAUSE_SECONDS) {
  if (waited > PATIENCE_SECONDS) fail('a follower does not get through');
  await pause(PAUSE_SECONDS);
}

const seconds = settings.runSeconds || 30;
const began = Date.now();
say(WHO, `orders for ${seconds} s at ${new URL(settings.url).origin}, with ${followers.length} followers`);
let shelf = await sendAtLast('Shelf', {});
while (!isOver && Date.now() - began < seconds * 1000) {
  const address = shelf.viewer.user.addresses.find((/** @type {any} */ { location }) => location !== null);
  const plenty = shelf.products.nodes.filter((/** @type {any} */ { available }) => available > 5);
  const product = plenty[Math.floor(Math.random() * plenty.length)];
  if (!address || !product) fail('there is nothing to order, or nowhere to bring it: is the demo data there?');
  const input = {
    idempotencyKey: randomUUID(),
    items: [{ productId: product.id, quantity: 1 }],
    addressId: address.id,
    paymentMethod: 'CASH_ON_DELIVERY',
  };
  try {
    const { order } = await sendAtLast('PlaceOrder', { input });
    if (orders.has(order.id)) fail(`${order.number} answers two requests`);
    orders.set(order.id, order.number);
  } catch (error) {
    // sold out meanwhile
    say(WHO, String(error));
  }
  if (orders.size % 20 === 0) shelf = await sendAtLast('Shelf', {});
  await pause(PAUSE_SECONDS);
}

// everybody hears of everything, and of nothing else
for (const [id, number] of orders) {
  const { version } = await sendAtLast('Version', { id });
  for (const { name, versions } of followers) {
    for (let waited = 0; (versions.get(id) ?? 0) < version; waited += PAUSE_SECONDS) {
      if (waited > PATIENCE_SECONDS) fail(`${name} is not told version ${version} of ${number}`);
      await pause(PAUSE_SECONDS);
    }
  }
}
for (const { name, begun } of followers) {
  for (const [id, number] of orders) {
    if (!begun.has(id)) fail(`${name} is not told that ${number} was placed`);
  }
  for (const [id, number] of begun) {
    if (!orders.has(id)) fail(`${name} is told of ${number}, which was asked for by no answered request`);
  }
}
end();
const connections = followers.map(({ name, connections }) => `${name}: ${connections}`).join(', ');
say(WHO, `${orders.size} orders, each told in full to every follower; connections of ${connections}`);
say(WHO, `${refused.count} request(s) had to be sent again, one of them for ${(refused.longestMs / 1000).toFixed(1)} s`);
process.exit(orders.size === 0 ? 1 : 0);
