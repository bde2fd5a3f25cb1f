/**
 * Passes values on, no more often than every `apartMs`: the first at once, and of those that come in between the newest, when
 * its time has come. When nothing new comes for `againMs`, the last one is passed on again, and again.
 */
export class Steady<Value> {
  readonly #pass: (value: Value, isAgain: boolean) => void;
  readonly #apartMs: number;
  readonly #againMs: number;
  #passedAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    pass: (value: Value, isAgain: boolean) => void,
    { apartMs, againMs }: { apartMs: number; againMs: number },
  ) {
    this.#pass = pass;
    this.#apartMs = apartMs;
    this.#againMs = againMs;
  }

  put(value: Value): void {
    const wait = this.#passedAt + this.#apartMs - performance.now();
    if (wait > 0) this.#in(wait, value, false);
    else this.#now(value, false);
  }

  /** Nothing is passed on any more until there is something new. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #now(value: Value, isAgain: boolean): void {
    this.#passedAt = performance.now();
    this.#in(this.#againMs, value, true);
    this.#pass(value, isAgain);
  }

  #in(ms: number, value: Value, isAgain: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#now(value, isAgain), ms);
  }
}
