import { type Client, createClient } from 'graphql-ws';
import type { Connection } from './connection';
import { ENDPOINT } from './post';
import type { Session } from './session';

/** The server's word for a token that is worn out, or that stands for nobody any more. */
const FORBIDDEN = 4403;

/** Milliseconds from one ping to the next, and as many for the answer to one. */
const KEEP_ALIVE_MS = 10_000;

/** Asked behind everything that was open when the line comes back: its answer says that the server has heard it all. */
const PROBE = 'query Probe { version }';

/**
 * One WebSocket for all that the page subscribes to. It comes back by itself for as long as there is a session to come
 * back with, and tells `connection` what becomes of it.
 */
export function connect(session: Session, connection: Connection): Client {
  let unanswered: ReturnType<typeof setTimeout> | undefined;
  let shown = '';
  const client = createClient({
    url: new URL(ENDPOINT, location.href).href.replace(/^http/, 'ws'),
    // Called for every connection, so that each begins with a token that works then.
    connectionParams: async () => {
      shown = await session.accessToken();
      return { Authorization: `Bearer ${shown}` };
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    // The default gives up when a connection is refused, which is just what a restarting server does.
    shouldRetry: () => !session.isOver,
    retryWait,
    // A phone in a tunnel gets no goodbye. Who does not answer a ping is gone.
    keepAlive: KEEP_ALIVE_MS,
    on: {
      connected: () => {
        const probe = client.subscribe(
          { query: PROBE },
          {
            next: () => connection.ready(),
            error: () => {},
            complete: () => probe(),
          },
        );
      },
      ping: (isReceived) => {
        if (!isReceived) unanswered = setTimeout(() => client.terminate(), KEEP_ALIVE_MS);
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(unanswered);
      },
      closed: (event) => {
        clearTimeout(unanswered);
        connection.lost();
        if (event instanceof CloseEvent && event.code === FORBIDDEN) session.refused(shown);
      },
    },
  });
  // A device that knows that it is off the net need not wait for a ping to be unanswered.
  const leave = () => client.terminate();
  addEventListener('offline', leave);
  return {
    ...client,
    dispose: () => {
      removeEventListener('offline', leave);
      return client.dispose();
    },
  };
}

/**
 * Anything from nothing to twice as much as the last time, 30 s at the most: clients that were cut off together come back
 * one by one. A device that is back on the net does not wait for that.
 */
function retryWait(retries: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, Math.random() * Math.min(30_000, 500 * 2 ** retries));
    addEventListener('online', done);
  });
}
