import { createClient } from 'graphql-ws';

/** The server's word for a token that is worn out, or that stands for nobody any more. */
const FORBIDDEN = 4403;

/**
 * A connection that comes back by itself for as long as there is a session to come back with.
 *
 * @param {string} server such as `https://shop.example`
 * @param {import('./session.mjs').Session} session
 * @param {number} [keepAlive] milliseconds from one ping to the next, and as many for the answer to one
 */
export function connect(server, session, keepAlive = 10_000) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let unanswered;
  /** @type {string | undefined} */
  let token;
  const client = createClient({
    url: new URL('/graphql', server).href.replace(/^http/, 'ws'),
    // Called for every connection, so that each begins with a token that works then.
    connectionParams: async () => {
      token = await session.accessToken();
      return { Authorization: `Bearer ${token}` };
    },
    retryAttempts: Infinity,
    // The default gives up when a connection is refused, which is just what a restarting server does.
    shouldRetry: () => !session.isOver,
    // Anything from nothing to twice as much as the last time: clients that were cut off together come back one by one.
    retryWait: (retries) => sleep(Math.random() * Math.min(30_000, 500 * 2 ** retries)),
    // A phone in a tunnel gets no goodbye. Who does not answer a ping is gone.
    keepAlive,
    on: {
      ping: (isReceived) => {
        if (!isReceived) unanswered = setTimeout(() => client.terminate(), keepAlive);
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(unanswered);
      },
      closed: (event) => {
        clearTimeout(unanswered);
        if (/** @type {CloseEvent} */ (event).code === FORBIDDEN) session.renew(token);
      },
    },
  });
  return client;
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
