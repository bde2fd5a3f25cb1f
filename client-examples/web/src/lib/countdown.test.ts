import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Clock } from '../api/clock';
import { asClock, secondsLeft } from './countdown';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a hold runs out by the server’s clock, second by second, and stays at nothing', () => {
  // The device is an hour ahead.
  vi.setSystemTime('2026-01-31T13:00:00.000Z');
  const clock = new Clock();
  clock.note('2026-01-31T12:00:00.000Z');
  const until = '2026-01-31T12:00:03.000Z';
  const shown: string[] = [];
  const timer = setInterval(() => {
    const text = asClock(secondsLeft(until, clock.now()));
    if (text !== shown.at(-1)) shown.push(text);
  }, 500);
  vi.advanceTimersByTime(60_000);
  clearInterval(timer);
  expect(shown).toEqual(['0:03', '0:02', '0:01', '0:00']);
});

it('a hold that is over when it is opened is at nothing at once', () => {
  const clock = new Clock();
  clock.note('2026-01-31T12:05:00.000Z');
  expect(secondsLeft('2026-01-31T12:02:00.000Z', clock.now())).toBe(0);
});
