import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { trouble } from './log.mjs';

const stop = new AbortController();
// everybody who waits listens for the end
setMaxListeners(0, stop.signal);

/** Aborted when the simulator stops. */
export const stopped = stop.signal;

export function end() {
  stop.abort();
}

/**
 * Waits; shorter when the simulator stops.
 *
 * @param {number} seconds
 */
export async function pause(seconds) {
  await sleep(seconds * 1000, undefined, { signal: stopped }).catch(() => {});
}

/** Times between things that happen by chance, `perSecond` on average. */
export const byChance = (/** @type {number} */ perSecond) => -Math.log(1 - Math.random()) / perSecond;

/**
 * Does `work` again and again until the simulator stops. What fails is told of, and tried again, later each time.
 *
 * @param {string} who
 * @param {() => Promise<void>} work
 */
export async function forever(who, work) {
  for (let failures = 0; !stopped.aborted; ) {
    try {
      await work();
      failures = 0;
    } catch (error) {
      if (stopped.aborted) return;
      trouble(who, error);
      failures += 1;
      await pause(Math.min(2 ** failures, 30) * (0.5 + Math.random() / 2));
    }
  }
}
