/** How long one request may take: more than the server gives itself. */
const PATIENCE_MS = 35_000;

/**
 * Like `fetch`, but fails when the answer takes too long: a line that dies without a word is noticed by TCP after minutes only,
 * and a button would be busy for all of that time.
 */
export function inTime(ms = PATIENCE_MS): typeof fetch {
  return (input, init) => {
    const signals = [AbortSignal.timeout(ms), init?.signal].filter((signal) => signal != null);
    return fetch(input, { ...init, signal: AbortSignal.any(signals) });
  };
}
