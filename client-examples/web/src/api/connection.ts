/** What the line to the server is like, for people. */
export type State = 'connecting' | 'live' | 'reconnecting' | 'caught-up';

/** How long "caught up" is said before it is "live" again. */
const SAID_MS = 8_000;

/**
 * What is known of the line: whether it is up, and whether what was missed has been asked for and has come. A store for
 * `useSyncExternalStore`.
 */
export class Connection {
  #state: State = 'connecting';
  #breaks = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #saidMs: number;

  constructor(saidMs = SAID_MS) {
    this.#saidMs = saidMs;
  }

  readonly state = (): State => this.#state;

  /** How often the line has come back. Whatever cannot resume loads again when this changes. */
  readonly returns = (): number => this.#breaks;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The line broke, or could not be had. */
  lost(): void {
    if (this.#state !== 'connecting') this.#become('reconnecting');
  }

  /** The server has answered what was asked of it after everything that was open had been asked for again. */
  ready(): void {
    if (this.#state === 'connecting') this.#become('live');
    if (this.#state !== 'reconnecting') return;
    this.#breaks++;
    this.#become('caught-up');
    this.#timer = setTimeout(() => this.#become('live'), this.#saidMs);
  }

  #become(state: State): void {
    clearTimeout(this.#timer);
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
