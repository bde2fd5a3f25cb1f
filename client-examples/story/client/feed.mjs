import { Failure } from './failure.mjs';

/** How long anything that must happen may take. */
export const DEADLINE_MS = Number(process.env.STORY_DEADLINE_MS ?? 30_000);

/**
 * All that one subscription has sent, and a way to wait for more. Nothing is missed between two waits, because a wait
 * looks through what has come before it looks ahead.
 *
 * @template Item
 */
export class Feed {
  /** @type {Item[]} */
  items = [];
  /** @type {string | undefined} */
  trouble;
  /** @type {Set<() => void>} */
  #waiting = new Set();
  /** @type {string | undefined} */
  #ended;

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /** @param {Item} item */
  push(item) {
    this.items.push(item);
    this.#wake();
  }

  /**
   * The first reason stays: what follows a failure is usually its consequence.
   *
   * @param {string} reason
   */
  end(reason) {
    this.#ended ??= reason;
    this.#wake();
  }

  /**
   * The first item, past or to come, that matches.
   *
   * @param {string} what said when it does not come
   * @param {(item: Item) => boolean} matches
   * @returns {Promise<Item>}
   */
  until(what, matches) {
    return new Promise((resolve, reject) => {
      let next = 0;
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      /** @param {string} why */
      const fail = (why) => {
        settle();
        const trouble = this.trouble === undefined ? '' : `; ${this.trouble}`;
        reject(new Failure(`${this.name}: waited for ${what}, but ${why} (${this.items.length} items seen${trouble})`));
      };
      const look = () => {
        for (; next < this.items.length; next++) {
          const item = /** @type {Item} */ (this.items[next]);
          if (matches(item)) {
            settle();
            return resolve(item);
          }
        }
        if (this.#ended !== undefined) fail(this.#ended);
      };
      const timer = setTimeout(() => fail(`it did not come within ${DEADLINE_MS / 1000} s`), DEADLINE_MS);
      this.#waiting.add(look);
      look();
    });
  }

  #wake() {
    for (const look of [...this.#waiting]) look();
  }
}
