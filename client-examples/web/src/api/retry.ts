import { ServerError } from '@apollo/client/errors';
import { refusalsOf } from './refusal';

/** What stands before the server says so while nobody is behind it, and when it is asked too often. */
const FOR_NOW = new Set([429, 502, 503, 504]);

/** Whether the same may go well later: nobody answered, or the answer said so. */
export function mayGoWell(error: unknown): boolean {
  const refusals = refusalsOf(error);
  if (refusals.length > 0) return refusals.every(({ extensions }) => extensions?.retryable === true);
  if (ServerError.is(error)) return FOR_NOW.has(error.statusCode);
  // What `fetch` throws when nobody is there.
  return error instanceof TypeError || isTimeout(error);
}

/** Whether whoever asked has stopped waiting for an answer. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

/**
 * Milliseconds to wait before attempt `count`, counted from 1: twice as long each time, and a quarter more or less, so that
 * those who failed together do not ask together. Never next to nothing: several attempts together span the time that a server
 * needs to be back.
 */
export function pause(count: number, initial: number, max = Number.POSITIVE_INFINITY): number {
  return Math.min(max, initial * 2 ** (count - 1)) * (0.75 + Math.random() / 2);
}
