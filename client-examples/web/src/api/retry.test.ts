import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ATTEMPTS, INITIAL_MS } from './patient';
import { mayGoWell, pause } from './retry';

afterEach(() => void vi.restoreAllMocks());

describe('a pause', () => {
  it.each([
    ['the least', 0, 375, 750],
    ['the most', 0.999_999, 624, 1249],
  ])('is twice as long each time, at %s', (_, random, first, second) => {
    vi.spyOn(Math, 'random').mockReturnValue(random);
    expect([1, 2].map((count) => Math.floor(pause(count, 500)))).toEqual([first, second]);
  });

  it('grows no more from some length on', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    expect([1, 3, 4, 1_000_000].map((count) => pause(count, 5_000, 30_000))).toEqual([
      5_000, 20_000, 30_000, 30_000,
    ]);
  });
});

it('a query is asked again for ten seconds, however the dice fall', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const pauses = Array.from({ length: ATTEMPTS - 1 }, (_, index) => pause(index + 1, INITIAL_MS));
  expect(pauses.reduce((sum, length) => sum + length, 0)).toBeGreaterThan(10_000);
});

describe('what may go well later', () => {
  const said = (...retryable: boolean[]) =>
    new CombinedGraphQLErrors({
      errors: retryable.map((extension) => ({ message: 'no', extensions: { retryable: extension } })),
    });
  const status = (code: number) =>
    new ServerError('no', { response: new Response(null, { status: code }), bodyText: '' });

  it.each([
    ['nobody is there', new TypeError('Failed to fetch'), true],
    ['nobody answered in time', new DOMException('Too late', 'TimeoutError'), true],
    ['nobody wants it any more', new DOMException('Never mind', 'AbortError'), false],
    ['nobody is behind what stands before the server', status(502), true],
    ['what stands before the server is asked too often', status(429), true],
    ['it is said', said(true), true],
    ['one of several never will', said(true, false), false],
    ['the server is broken', status(500), false],
    ['the page is', new RangeError('no'), false],
  ])('%s: %s', (_, error, may) => {
    expect(mayGoWell(error)).toBe(may);
  });
});
