import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';

/** What stands before the server says so while nobody is behind it. */
const AWAY = new Set([502, 503, 504]);

/** Whether the same may go well later: nobody answered, or the server said so. */
export function mayGoWell(error: unknown): boolean {
  if (CombinedGraphQLErrors.is(error))
    return error.errors.every(({ extensions }) => extensions?.retryable === true);
  if (ServerError.is(error)) return AWAY.has(error.statusCode);
  // What `fetch` throws when nobody is there.
  return error instanceof TypeError;
}

/**
 * Milliseconds to wait before attempt `count`, counted from 1: twice as long each time, and a quarter more or less, so that
 * those who failed together do not ask together. Never next to nothing: several attempts together span the time that a server
 * needs to be back.
 */
export function pause(count: number, initial: number, max = Number.POSITIVE_INFINITY): number {
  return Math.min(max, initial * 2 ** (count - 1)) * (0.75 + Math.random() / 2);
}
