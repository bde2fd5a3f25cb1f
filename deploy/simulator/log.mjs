/** What was done, for the summary at the end. */
export const counts = { placed: 0, claimed: 0, lost: 0, delivered: 0, restocked: 0, failed: 0 };

/**
 * A line for whoever watches. Accounts are named by their part in the demo, e.g. `customer2`.
 *
 * @param {string} who
 * @param {string} what
 */
export function say(who, what) {
  console.log(`${new Date().toISOString()} ${who} ${what}`);
}

/**
 * Something went wrong that the simulator lives with.
 *
 * @param {string} who
 * @param {unknown} error
 */
export function trouble(who, error) {
  counts.failed += 1;
  say(who, `has trouble: ${error instanceof Error ? error.message : String(error)}`);
}
