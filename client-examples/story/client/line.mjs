import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { textOf } from './documents.mjs';
import { Failure, expect } from './failure.mjs';
import { DEADLINE_MS, Feed } from './feed.mjs';

/**
 * @typedef {import('../operations.d.ts').Operations} Operations
 * @typedef {import('../operations.d.ts').Problem} UserProblem
 */

/**
 * @template {keyof Operations} Name
 * @typedef {Operations[Name]['variables']} Variables
 */

/**
 * What the one root field of an operation answers with.
 *
 * @template {keyof Operations} Name
 * @typedef {Name extends keyof Operations ? Operations[Name]['data'][keyof Operations[Name]['data']] : never} Answer
 */

/**
 * @typedef {'AvailableOrders' | 'OrderUpdates' | 'SellerOrderUpdates' | 'AdminUpdates'} SubscriptionName
 * @typedef {{ message: string, extensions?: { code?: string, requestId?: string } }} TopLevelError
 * @typedef {{ data?: Record<string, any> | null, errors?: readonly TopLevelError[] }} Response
 * @typedef {{ code: string, message: string }} Problem
 */

const ENDPOINT = '/graphql';

/** The server said no: by `userErrors`, which a client is expected to handle, or by top-level `errors`. */
export class Refusal extends Failure {
  name = 'Refusal';

  /**
   * @param {string} operation
   * @param {Problem[]} problems
   */
  constructor(operation, problems) {
    super(`${operation} refused: ${problems.map(({ code, message }) => `${code}, ${message}`).join('; ')}`);
    this.problems = problems;
  }

  /** @param {string} code */
  has(code) {
    return this.problems.some((problem) => problem.code === code);
  }
}

/**
 * Both kinds of error end here and leave as one, so that the code which follows a request reads only answers.
 *
 * @param {string} operation
 * @param {Response} response
 * @returns {any}
 */
function answerOf(operation, { data, errors }) {
  if (errors?.length) {
    const problems = errors.map(({ message, extensions }) => ({
      code: extensions?.code ?? 'NO_CODE',
      message: extensions?.requestId ? `${message} (request ${extensions.requestId})` : message,
    }));
    throw new Refusal(operation, problems);
  }
  const [answer] = Object.values(data ?? {});
  if (answer?.userErrors?.length) {
    const problems = answer.userErrors.map((/** @type {UserProblem} */ problem) => ({
      code: problem.code,
      message: `${problem.message}${detailsOf(problem)}`,
    }));
    throw new Refusal(operation, problems);
  }
  return answer;
}

/** @param {UserProblem} problem */
function detailsOf(problem) {
  switch (problem.__typename) {
    case 'InsufficientStock':
      return ` (${problem.product.name}: ${problem.requested} asked, ${problem.available} left)`;
    case 'ClaimLost':
      return ` (${problem.reason})`;
    case 'IllegalTransition':
      return ` (${problem.from} → ${problem.to}; allowed: ${problem.allowed.join(', ') || 'none'})`;
    default:
      return problem.field ? ` (${problem.field.join('.')})` : '';
  }
}

/** One person's line to the server: requests over HTTP, subscriptions over one WebSocket, both as that person. */
export class Line {
  /** @type {import('graphql-ws').Client | undefined} */
  #socket;
  /** @type {Promise<{ code: number, wasClean: boolean }> | undefined} set while the socket is open */
  #closing;
  /** @type {Array<{ feed: Feed<any>, stop: () => void }>} */
  #watches = [];

  /**
   * @param {string} server
   * @param {string} who
   * @param {string} [accessToken]
   */
  constructor(server, who, accessToken) {
    this.url = new URL(ENDPOINT, server);
    this.who = who;
    /** @type {Record<string, string>} */
    this.authorization = accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` };
  }

  /**
   * @template {Exclude<keyof Operations, SubscriptionName>} Name
   * @param {Name} operation
   * @param {Variables<Name>} variables
   * @returns {Promise<Answer<Name>>}
   */
  async send(operation, variables) {
    const reply = await fetch(this.url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json;q=0.9',
        ...this.authorization,
      },
      body: JSON.stringify({ query: textOf(operation), operationName: operation, variables }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).catch((error) => {
      throw new Failure(`${operation}: no answer from ${this.url.origin} (${error.cause?.code ?? error.message})`);
    });
    // A status other than 200 can still carry a GraphQL answer, whose errors say more than the number does.
    const text = await reply.text();
    /** @type {Response} */
    let response;
    try {
      response = JSON.parse(text);
      if (!response.data && !response.errors) throw new SyntaxError('JSON, but no GraphQL');
    } catch {
      throw new Failure(`${operation}: HTTP ${reply.status} without a GraphQL answer: ${text.slice(0, 200)}`);
    }
    return answerOf(operation, response);
  }

  /**
   * @template {SubscriptionName} Name
   * @param {Name} operation
   * @param {Variables<Name>} variables
   * @param {(item: Answer<Name>) => void} onItem
   * @returns {Feed<Answer<Name>>}
   */
  watch(operation, variables, onItem) {
    /** @type {Feed<Answer<Name>>} */
    const feed = new Feed(`${this.who}'s ${operation}`);
    // After a cut connection graphql-ws subscribes again with this very object: moving `after` along with each item
    // turns that into a resume, and nothing is lost in between.
    const payload = { query: textOf(operation), operationName: operation, variables: { ...variables } };
    const stop = this.#open().subscribe(payload, {
      next: (result) => {
        try {
          /** @type {Answer<SubscriptionName>} */
          const item = answerOf(operation, /** @type {Response} */ (result));
          payload.variables.after = item.cursor;
          onItem(/** @type {Answer<Name>} */ (item));
          feed.push(/** @type {Answer<Name>} */ (item));
          // An app would drop what it shows and build it anew from what follows; the story is here to prove that
          // nothing was missed, and past a reset it cannot.
          if (item.__typename === 'StreamReset') feed.end(`the server reset the stream (${item.resetReason})`);
        } catch (error) {
          feed.end(error instanceof Error ? error.message : String(error));
        }
      },
      error: (error) => feed.end(`the subscription failed: ${reasonOf(operation, error)}`),
      complete: () => feed.end('the server completed the stream'),
    });
    this.#watches.push({ feed, stop });
    return feed;
  }

  /** Ends the subscriptions and waits for both sides' close frames. */
  async close() {
    // graphql-ws closes the socket by itself once its last subscription is gone.
    for (const { stop } of this.#watches) stop();
    const closed = await this.#closing;
    expect(closed === undefined || closed.wasClean, `${this.who}'s socket closes cleanly`, closed?.code);
  }

  #open() {
    if (this.#socket) return this.#socket;
    const url = new URL(this.url);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    /** @type {(event: any) => void} */
    let onClosed = () => {};
    // Connecting again is graphql-ws's work; a wait that fails meanwhile can say what it was waiting on.
    const trouble = (/** @type {any} */ event) => {
      for (const { feed } of this.#watches) feed.trouble ??= reasonOf('connect', event);
    };
    this.#socket = createClient({
      url: url.href,
      webSocketImpl: WebSocket,
      connectionParams: this.authorization,
      retryAttempts: 3,
      // The default gives up when a connection is refused, which is just what a restarting server does.
      shouldRetry: () => true,
      connectionAckWaitTimeout: DEADLINE_MS,
      on: {
        opened: () => {
          this.#closing = new Promise((resolve) => (onClosed = resolve));
        },
        connected: () => {
          for (const { feed } of this.#watches) feed.trouble = undefined;
        },
        error: trouble,
        closed: (event) => {
          trouble(event);
          onClosed(event);
          this.#closing = undefined;
        },
      },
    });
    return this.#socket;
  }
}

/**
 * graphql-ws hands over GraphQL errors, a close event or a socket error.
 *
 * @param {string} operation
 * @param {any} error
 */
function reasonOf(operation, error) {
  if (Array.isArray(error)) {
    try {
      answerOf(operation, { errors: error });
    } catch (refusal) {
      return /** @type {Refusal} */ (refusal).message;
    }
  }
  if (typeof error?.code === 'number') return `socket closed with ${error.code} ${error.reason}`.trim();
  return error?.message || String(error);
}
