import { ApolloLink } from '@apollo/client';
import { tap } from 'rxjs';

/** The server's clock, as far as it can be told from its answers. The device's own may be minutes off. */
export class Clock {
  #offset = Number.NEGATIVE_INFINITY;
  readonly #steady: () => number;

  /** `steady` counts milliseconds from any moment on, and is never set. */
  constructor(steady = () => performance.now()) {
    this.#steady = steady;
  }

  /** The server has said what time it is. Of all it said, what took the shortest way is the nearest to the truth. */
  note(serverTime: string): void {
    this.#offset = Math.max(this.#offset, Date.parse(serverTime) - this.#steady());
  }

  /** Milliseconds since 1970; by the device's clock while the server has said nothing. */
  now(): number {
    return Number.isFinite(this.#offset) ? this.#steady() + this.#offset : Date.now();
  }
}

/** Listens to every answer for a `serverTime`. */
export function listening(clock: Clock): ApolloLink {
  const listen = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('serverTime' in value && typeof value.serverTime === 'string') clock.note(value.serverTime);
    for (const part of Object.values(value)) listen(part);
  };
  return new ApolloLink((operation, forward) =>
    forward(operation).pipe(tap((result) => listen(result.data))),
  );
}
