import { CloseCode, createClient, type Client, type SubscribePayload } from 'graphql-ws';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { post, RequestError, type TypedDocument } from './http.ts';
import { SignInError, type Session } from './session.ts';

/** The server's word for a token that is worn out. */
const FORBIDDEN = 4403;

/** From one ping to the next, and as long for its answer. */
const KEEP_ALIVE_MS = 10_000;

/** How many tokens that the server has just given it may refuse: one may have been on its way for too long. */
const REFUSALS = 3;

export interface Watcher<Item> {
  item(item: Item): void;
  /**
   * The server has nothing more to say, or will not say it. Without this it is asked again, after a while; when it would say the same
   * again, the line has failed.
   */
  end?(): void;
}

/** The line to the server as one partner: requests over HTTP, subscriptions over one WebSocket. Both outlive what breaks them. */
export class Line {
  readonly #server: string;
  readonly #session: Session;
  readonly #socket: Client;
  readonly #say: (event: string, about?: object) => void;
  readonly #fail: (why: unknown) => void;
  #isRefused = false;
  #isClosed = false;

  /** `fail` is told of what cannot be mended by trying again. */
  constructor(server: string, session: Session, say: (event: string, about?: object) => void, fail: (why: unknown) => void) {
    this.#server = server;
    this.#session = session;
    this.#say = say;
    this.#fail = fail;
    this.#socket = this.#connect();
  }

  /**
   * Sends until there is an answer. That is right for everything that the bot asks: its steps and claims have idempotency keys, so
   * that one whose answer was lost happens once all the same.
   */
  async send<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables): Promise<Result> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.sendOnce(document, variables);
      } catch (error) {
        if (!(error instanceof RequestError) || error.retryAfterMs === undefined) throw error;
        this.#say('waiting', { for: error.code });
        await sleep(backOff(error.retryAfterMs, tries));
      }
    }
  }

  /** One attempt, for what is soon out of date. Fails with a `RequestError` when there is no answer. */
  async sendOnce<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables): Promise<Result> {
    const token = await this.#session.accessToken();
    try {
      return await post(this.#server, document, variables, token);
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'INVALID_TOKEN') throw error;
      this.#say('renewing');
      return post(this.#server, document, variables, await this.#session.renewed(token));
    }
  }

  /**
   * Follows the only field of `document` until `stop` is called. The items of the field have a `cursor`: after a cut it goes on behind
   * the last one that was taken, because graphql-ws subscribes again with the very object whose `after` is moved along here.
   */
  watch<Item extends { cursor: string }, Variables extends object>(
    document: TypedDocument<Record<string, Item>, Variables>,
    variables: Variables,
    watcher: Watcher<Item>,
  ): () => void {
    const payload: SubscribePayload & { variables: Record<string, unknown> } = {
      query: document.toString(),
      variables: { ...(variables as Record<string, unknown>) },
    };
    let isStopped = false;
    let tries = 0;
    const ended = (refusal?: unknown): void => {
      // graphql-ws says it of what we have stopped as well
      if (isStopped || this.#isClosed) return;
      if (watcher.end) return watcher.end();
      if (refusal && isLasting(refusal)) return this.#fail(new Error(`the subscription is refused: ${reasonOf(refusal)}`));
      const timer = setTimeout(() => (stop = subscribe()), backOff(1_000, tries++));
      stop = () => clearTimeout(timer);
    };
    const subscribe = (): (() => void) =>
      this.#socket.subscribe<Record<string, Item>>(payload, {
        next: ({ data }) => {
          tries = 0;
          for (const item of Object.values(data ?? {})) {
            watcher.item(item);
            payload.variables.after = item.cursor;
          }
        },
        error: (error) => {
          this.#say('interrupted', { why: reasonOf(error) });
          // about the operation and not about the connection, so graphql-ws leaves it to us
          ended(error);
        },
        complete: () => ended(),
      });
    let stop = subscribe();
    return () => {
      isStopped = true;
      stop();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.#socket.dispose();
    } catch {
      // what was being connected failed: there is nothing to close
    }
  }

  #connect(): Client {
    let unanswered: NodeJS.Timeout | undefined;
    let token: string | undefined;
    let isNew = false;
    let refusals = 0;
    const socket = createClient({
      url: new URL('/graphql', this.#server).href.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      // called for every connection, so that each begins with a token that works then
      connectionParams: async () => {
        isNew = false;
        try {
          token = this.#isRefused ? await this.#session.renewed(token) : await this.#session.accessToken();
          isNew = this.#isRefused;
          this.#isRefused = false;
        } catch (error) {
          // while the server is away the old token is as good as any, and is refused once it is back
          if (error instanceof SignInError) this.#fail(error);
        }
        return { Authorization: `Bearer ${token}` };
      },
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: (tries) => sleep(backOff(250, tries)),
      keepAlive: KEEP_ALIVE_MS,
      on: {
        connected: () => {
          refusals = 0;
          this.#say('connected');
        },
        ping: (isReceived) => {
          if (!isReceived) unanswered = setTimeout(() => socket.terminate(), KEEP_ALIVE_MS);
        },
        pong: (isReceived) => {
          if (isReceived) clearTimeout(unanswered);
        },
        closed: (event) => {
          clearTimeout(unanswered);
          const { code } = event as CloseEvent;
          this.#isRefused ||= code === FORBIDDEN;
          this.#say('disconnected', { code });
          if (code === FORBIDDEN && isNew && ++refusals === REFUSALS) this.#fail(new Error('the server refuses each token that it gives'));
        },
      },
    });
    return socket;
  }
}

/** Twice as long each time, up to half a minute, and by chance up to half of it less: many that were cut off come back one by one. */
export function backOff(ms: number, tries: number): number {
  return Math.min(30_000, ms * 2 ** tries) * (0.5 + Math.random() / 2);
}

/** Whether what ended a subscription would end it again: the rules are against it, or the server and we do not speak the same. */
function isLasting(error: unknown): boolean {
  if (Array.isArray(error)) return error.some(({ extensions }) => !extensions?.retryable);
  const { code } = error as CloseEvent;
  return code >= CloseCode.BadRequest && code < CloseCode.InternalServerError;
}

function reasonOf(error: unknown): string {
  const [first] = [error].flat() as { message?: string; code?: number }[];
  return first?.message ?? `closed with ${first?.code}`;
}
