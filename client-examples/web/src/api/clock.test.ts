import { describe, expect, it } from 'vitest';
import { Clock } from './clock';

describe('the server’s clock', () => {
  it('goes on from what the server said, by a clock that nobody sets', () => {
    let steady = 1_000;
    const clock = new Clock(() => steady);
    clock.note('2026-01-31T12:00:00.000Z');
    steady += 2_500;
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-31T12:00:02.500Z');
  });

  it('believes what came the shortest way', () => {
    let steady = 0;
    const clock = new Clock(() => steady);
    clock.note('2026-01-31T12:00:00.000Z');
    steady = 10_000;
    // Three seconds on the way: by now it is 12:00:10.
    clock.note('2026-01-31T12:00:07.000Z');
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-31T12:00:10.000Z');
  });
});
