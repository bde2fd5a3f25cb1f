// What the programs have in common, and an app has in its own way: who signs in, and what is done with an item.
import WebSocket from 'ws';
import { connect } from './connection.mjs';
import { connectEvents } from './events.mjs';
import { login } from './login.mjs';
import { Orders } from './orders.mjs';
import { signIn } from './session.mjs';

// As in a browser; Node has one of its own since 22.
Object.assign(globalThis, { WebSocket });

export const server = process.argv[2] ?? process.env.QUICK_COMMERCE_URL ?? 'http://127.0.0.1:8080';
const { email, password } = login(server, process.env, 'customer@demo.test');
const { KEEP_ALIVE_MS = '10000', SILENCE_MS = '30000' } = process.env;

const orders = new Orders();

/** The customer's connection. What becomes of it is told on standard error. */
export async function connection() {
  const client = connect(server, await signIn(server, email, password), Number(KEEP_ALIVE_MS));
  client.on('connected', () => console.error('connected'));
  client.on('closed', (event) => {
    const { code, reason } = /** @type {CloseEvent} */ (event);
    console.error(`closed: ${code} ${reason}`.trimEnd());
  });
  return client;
}

/** The same over server-sent events, which begin when they are asked for. */
export async function events() {
  const on = {
    connected: () => console.error('connected'),
    /** @param {boolean} isAgain */
    connecting: (isAgain) => {
      if (isAgain) console.error('closed');
    },
  };
  return connectEvents(server, await signIn(server, email, password), on, Number(SILENCE_MS));
}

/**
 * One line of JSON for each item that is news.
 *
 * @param {import('./orders.mjs').Item} item
 */
export function show(item) {
  if (orders.take(item)) console.log(JSON.stringify(item));
}

/**
 * The stream is at its end, and will not come back by itself.
 *
 * @param {any} [why] what the library has to say: errors, an event of the socket, or nothing when the server completed it
 */
export function end(why) {
  const messages = [why].flat().map((error) => error?.message ?? error?.reason ?? 'completed');
  console.error(`ended: ${messages.join('; ')}`);
  process.exit(1);
}
