import { readFileSync } from 'node:fs';
import { parse, print, separateOperations } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { trouble } from './log.mjs';
import { settings } from './settings.mjs';
import { stopped } from './time.mjs';

const source = readFileSync(new URL('operations.graphql', import.meta.url), 'utf8');
/** Each operation with the fragments that it needs. */
export const texts = new Map(Object.entries(separateOperations(parse(source))).map(([name, document]) => [name, print(document)]));

const PATIENCE_MS = 30_000;
/** How long before its end a token is replaced. */
const MARGIN_MS = 60_000;
/** How the server closes a socket whose token it refuses. */
const FORBIDDEN = 4403;

/** The server said no. */
export class Refusal extends Error {
  /**
   * @param {string} operation
   * @param {string} code
   * @param {string} message
   * @param {boolean} [isRetryable] whether the same request may be sent again
   */
  constructor(operation, code, message, isRetryable = false) {
    super(`${operation}: ${code}, ${message}`);
    this.code = code;
    this.isRetryable = isRetryable;
  }
}

/** A demo account, signed in for as long as it is used. */
export class Account {
  /** @type {{ accessToken: string, accessTokenExpiresAt: string, refreshToken: string } | undefined} */
  #tokens;
  /** @type {Promise<string> | undefined} while tokens are fetched */
  #fetching;

  /** @param {string} email */
  constructor(email) {
    this.email = email;
    this.name = email.split('@')[0] ?? email;
  }

  /**
   * The one root field of `operation`.
   *
   * @param {string} operation
   * @param {Record<string, unknown>} [variables]
   * @returns {Promise<any>}
   */
  async send(operation, variables = {}) {
    try {
      return await post(operation, variables, await this.token());
    } catch (error) {
      // ended from elsewhere: by a logout, or by a server with another secret
      if (!(error instanceof Refusal && ['UNAUTHENTICATED', 'INVALID_TOKEN'].includes(error.code))) throw error;
      this.doubt();
      return post(operation, variables, await this.token());
    }
  }

  /**
   * Follows a subscription until the simulator stops, over however many connections it takes, and misses nothing:
   * each begins after the last cursor of the one before.
   *
   * @param {string} operation
   * @param {(item: any) => void} onItem
   * @param {() => void} [onConnected] called for each connection
   */
  follow(operation, onItem, onConnected = () => {}) {
    const url = new URL('/graphql', settings.url.replace(/^http/, 'ws'));
    const client = createClient({
      url: url.href,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ Authorization: `Bearer ${await this.token()}` }),
      retryAttempts: Number.POSITIVE_INFINITY,
      shouldRetry: () => !stopped.aborted,
      keepAlive: 15_000,
      on: {
        connected: onConnected,
        closed: (event) => {
          if (/** @type {{ code?: number }} */ (event).code === FORBIDDEN) this.doubt();
        },
      },
    });
    /** @type {{ query: string, variables: { after?: string } }} */
    const payload = { query: texts.get(operation) ?? '', variables: {} };
    const done = new Promise((resolve, reject) => {
      const leave = client.subscribe(payload, {
        next: ({ data }) => {
          const item = /** @type {any} */ (data)?.[Object.keys(data ?? {})[0] ?? ''];
          if (!item) return;
          payload.variables.after = item.cursor;
          onItem(item);
        },
        error: (error) => reject(new Error(Array.isArray(error) ? error[0]?.message : 'the connection is refused')),
        complete: () => resolve(undefined),
      });
      stopped.addEventListener('abort', () => leave(), { once: true });
    });
    return done.finally(() => client.dispose());
  }

  /** The access token was refused: the next request begins with another. */
  doubt() {
    if (this.#tokens) this.#tokens.accessTokenExpiresAt = new Date(0).toISOString();
  }

  /** An access token that is good for a while. Of those who ask at once one fetches it for all: a refresh token works once. */
  async token() {
    const tokens = this.#tokens;
    if (tokens && Date.parse(tokens.accessTokenExpiresAt) > Date.now() + MARGIN_MS) return tokens.accessToken;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch() {
    const before = this.#tokens?.refreshToken;
    this.#tokens = undefined;
    if (before !== undefined) {
      try {
        const renewed = await post('Renew', { input: { refreshToken: before } });
        this.#tokens = renewed.tokens;
        return renewed.tokens.accessToken;
      } catch (error) {
        if (!(error instanceof Refusal)) {
          // no answer: the token may still be good
          this.#tokens = { accessToken: '', accessTokenExpiresAt: new Date(0).toISOString(), refreshToken: before };
          throw error;
        }
        trouble(this.name, error);
      }
    }
    const signedIn = await post('SignIn', { input: { email: this.email, password: settings.password } });
    this.#tokens = signedIn.tokens;
    return signedIn.tokens.accessToken;
  }
}

/**
 * @param {string} operation
 * @param {Record<string, unknown>} variables
 * @param {string} [token]
 * @returns {Promise<any>}
 */
async function post(operation, variables, token) {
  const reply = await fetch(new URL('/graphql', settings.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query: texts.get(operation), operationName: operation, variables }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await reply.text();
  /** @type {any} */
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`${operation}: HTTP ${reply.status} without an answer of the API`);
  }
  const [error] = answer.errors ?? [];
  if (error) throw new Refusal(operation, error.extensions?.code ?? 'NO_CODE', error.message, error.extensions?.retryable);
  const value = answer.data[Object.keys(answer.data)[0] ?? ''];
  const [refusal] = value?.userErrors ?? [];
  if (refusal) throw new Refusal(operation, refusal.code, refusal.message);
  return Object.keys(answer.data).length > 1 ? answer.data : value;
}
