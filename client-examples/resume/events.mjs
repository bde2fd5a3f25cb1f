import { createClient } from 'graphql-sse';

/**
 * The same over server-sent events: each subscription has a connection of its own, which comes back by itself for as long
 * as there is a session to come back with.
 *
 * @param {string} server such as `https://shop.example`
 * @param {import('./session.mjs').Session} session
 * @param {import('graphql-sse').EventListeners} [on] told what becomes of the connections
 * @param {number} [silence] milliseconds without a word after which a connection is given up; the server says something
 *   every twelve seconds
 */
export function connectEvents(server, session, on, silence = 30_000) {
  return createClient({
    url: new URL('/graphql', server).href,
    retryAttempts: Infinity,
    // Anything from nothing to twice as much as the last time: clients that were cut off together come back one by one.
    retry: async (retries) => {
      if (session.isOver) throw new Error('the session is over');
      await sleep(Math.random() * Math.min(30_000, 500 * 2 ** retries));
    },
    fetchFn: async (/** @type {string} */ url, /** @type {RequestInit & { signal: AbortSignal }} */ init) => {
      // Asked for here, for every connection, so that each begins with a token that works then, and it is known which was refused.
      const token = await session.accessToken();
      const headers = { ...init.headers, Authorization: `Bearer ${token}` };
      const line = new Line(silence);
      try {
        const reply = await fetch(url, { ...init, headers, signal: AbortSignal.any([init.signal, line.signal]) });
        if (reply.status === 401) session.renew(token);
        if (!reply.ok) line.release();
        return { ok: reply.ok, status: reply.status, statusText: reply.statusText, body: line.read(reply.body) };
      } catch (error) {
        line.release();
        throw error;
      }
    },
    on,
  });
}

/** A connection that is given up when nothing comes over it. A phone in a tunnel gets no goodbye. */
class Line {
  #control = new AbortController();
  #silence;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {number} silence */
  constructor(silence) {
    this.#silence = silence;
    this.#heard();
  }

  get signal() {
    return this.#control.signal;
  }

  release() {
    clearTimeout(this.#timer);
  }

  #heard() {
    this.release();
    this.#timer = setTimeout(() => this.#control.abort(new Error('not a word')), this.#silence);
  }

  /** @param {ReadableStream<Uint8Array> | null} body */
  async *read(body) {
    const reader = body?.getReader();
    try {
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        this.#heard();
        yield part.value;
      }
    } finally {
      this.release();
      // graphql-sse comes back only if it is waiting for an item when the connection ends, so it takes the last ones first.
      await sleep(0);
    }
  }
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
