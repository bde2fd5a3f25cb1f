import { createClient, type Client, type SubscribePayload } from 'graphql-ws';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { post, RequestError, type TypedDocument } from './http.ts';
import { SignInError, type Session } from './session.ts';

/** The server's word for a token that is worn out. */
const FORBIDDEN = 4403;

/** From one ping to the next, and as long for its answer. */
const KEEP_ALIVE_MS = 10_000;

export interface Watcher<Item> {
  item(item: Item): void;
  /** The server has nothing more to say, or will not say it. Without this it is asked again, after a while. */
  end?(): void;
}

/** The line to the server as one partner: requests over HTTP, subscriptions over one WebSocket. Both outlive what breaks them. */
export class Line {
  readonly #server: string;
  readonly #session: Session;
  readonly #socket: Client;
  readonly #say: (event: string, about?: object) => void;
  #isRefused = false;

  /** `fail` is told of what cannot be mended by trying again. */
  constructor(server: string, session: Session, say: (event: string, about?: object) => void, fail: (why: unknown) => void) {
    this.#server = server;
    this.#session = session;
    this.#say = say;
    this.#socket = this.#connect(fail);
  }

  /**
   * Sends until there is an answer. That is right for everything that the bot asks: its steps and claims have idempotency keys, so
   * that one whose answer was lost happens once all the same.
   */
  async send<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables): Promise<Result> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#sendOnce(document, variables);
      } catch (error) {
        if (!(error instanceof RequestError) || error.retryAfterMs === undefined) throw error;
        this.#say('waiting', { for: error.code });
        await sleep(backOff(error.retryAfterMs, tries));
      }
    }
  }

  /** For what is soon out of date: an answer, or nothing when it could not be had. */
  async try<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables): Promise<Result | undefined> {
    return this.#sendOnce(document, variables).catch((error) => {
      if (error instanceof RequestError) return undefined;
      throw error;
    });
  }

  async #sendOnce<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables): Promise<Result> {
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
    const ended = (): void => {
      // graphql-ws says it of what we have stopped as well
      if (isStopped) return;
      if (watcher.end) return watcher.end();
      const timer = setTimeout(() => (stop = subscribe()), backOff(1_000, 1));
      stop = () => clearTimeout(timer);
    };
    const subscribe = (): (() => void) =>
      this.#socket.subscribe<Record<string, Item>>(payload, {
        next: ({ data }) => {
          for (const item of Object.values(data ?? {})) {
            watcher.item(item);
            payload.variables.after = item.cursor;
          }
        },
        error: (error) => {
          this.#say('interrupted', { why: reasonOf(error) });
          // about the operation and not about the connection, so graphql-ws leaves it to us
          ended();
        },
        complete: ended,
      });
    let stop = subscribe();
    return () => {
      isStopped = true;
      stop();
    };
  }

  close(): void {
    void this.#socket.dispose();
  }

  #connect(fail: (why: unknown) => void): Client {
    let unanswered: NodeJS.Timeout | undefined;
    let token: string | undefined;
    const socket = createClient({
      url: new URL('/graphql', this.#server).href.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      // called for every connection, so that each begins with a token that works then
      connectionParams: async () => {
        try {
          token = this.#isRefused ? await this.#session.renewed(token) : await this.#session.accessToken();
          this.#isRefused = false;
        } catch (error) {
          // while the server is away the old token is as good as any, and is refused once it is back
          if (error instanceof SignInError) fail(error);
        }
        return { Authorization: `Bearer ${token}` };
      },
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: (tries) => sleep(backOff(250, tries)),
      keepAlive: KEEP_ALIVE_MS,
      on: {
        connected: () => this.#say('connected'),
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
        },
      },
    });
    return socket;
  }
}

/** Twice as long each time, up to half a minute, and by chance up to half of it less: many that were cut off come back one by one. */
function backOff(ms: number, tries: number): number {
  return Math.min(30_000, ms * 2 ** tries) * (0.5 + Math.random() / 2);
}

function reasonOf(error: unknown): string {
  const [first] = [error].flat() as { message?: string; code?: number }[];
  return first?.message ?? `closed with ${first?.code}`;
}
