import { expect, it } from 'vitest';
import { outcomeOf } from './useLoad';

const error = new TypeError('no network');
const asked = { about: '{}', isLoading: true, error: undefined };
const came = { about: '{}', isLoading: false, error: undefined };
const failed = { about: '{}', isLoading: false, error };

it('what a feed brings to a query that failed is no answer to it', () => {
  const last = outcomeOf(asked, failed);
  expect(last).toEqual(failed);
  expect(outcomeOf(last, came)).toBe(last);
});

it('it has failed until it was asked again and an answer came', () => {
  const again = outcomeOf(failed, asked);
  expect(again).toEqual({ ...failed, isLoading: true });
  expect(outcomeOf(again, asked)).toBe(again);
  expect(outcomeOf(again, came)).toEqual(came);
});

it('it fails anew for another reason, and begins anew about something else', () => {
  const other = { ...failed, error: new TypeError('other') };
  expect(outcomeOf(failed, other)).toBe(other);
  expect(outcomeOf(failed, { ...failed })).toBe(failed);
  expect(outcomeOf(failed, { ...came, about: '{"group":"open"}' })).toEqual({
    ...came,
    about: '{"group":"open"}',
  });
});
