type Pass<Value> = (value: Value, isAgain: boolean) => Promise<unknown>;

/**
 * Passes values on, no more often than every `apartMs`, and one after the other: the first at once, and of those that come in
 * between the newest, when its time has come and the one before it has arrived. When nothing new comes for `againMs`, the last
 * one is passed on again, and again. What has not arrived by then is not waited for any longer.
 */
export class Steady<Value> {
  readonly #pass: Pass<Value>;
  readonly #apartMs: number;
  readonly #againMs: number;
  #passedAt = Number.NEGATIVE_INFINITY;
  #underWay: Promise<unknown> | undefined;
  #next: { value: Value; isAgain: boolean } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `pass` must not fail. */
  constructor(pass: Pass<Value>, { apartMs, againMs }: { apartMs: number; againMs: number }) {
    this.#pass = pass;
    this.#apartMs = apartMs;
    this.#againMs = againMs;
  }

  put(value: Value): void {
    const pauseMs = this.#underWay ? this.#againMs : this.#apartMs;
    const wait = this.#passedAt + pauseMs - performance.now();
    if (wait > 0) this.#in(wait, value, false);
    else this.#now(value, false);
  }

  /** Nothing is passed on any more until there is something new. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#next = undefined;
  }

  #now(value: Value, isAgain: boolean): void {
    this.#passedAt = performance.now();
    this.#in(this.#againMs, value, true);
    const passing = this.#pass(value, isAgain);
    this.#underWay = passing;
    void passing.then(() => this.#arrived(passing));
  }

  #arrived(passing: Promise<unknown>): void {
    if (passing !== this.#underWay) return;
    this.#underWay = undefined;
    if (this.#next && !this.#next.isAgain) this.put(this.#next.value);
  }

  #in(ms: number, value: Value, isAgain: boolean): void {
    clearTimeout(this.#timer);
    this.#next = { value, isAgain };
    this.#timer = setTimeout(() => this.#now(value, isAgain), ms);
  }
}
