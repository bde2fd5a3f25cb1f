import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Steady } from './steady';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What was passed on, and when; a value that was passed on before has a star. Each takes `tookMs` to arrive. */
function steady(tookMs = 0) {
  const passed: string[] = [];
  const begin = performance.now();
  const made = new Steady<string>(
    (value, isAgain) => {
      passed.push(`${value}${isAgain ? '*' : ''} ${performance.now() - begin}`);
      return new Promise((arrive) => setTimeout(arrive, tookMs));
    },
    { apartMs: 500, againMs: 20_000 },
  );
  return { made, passed };
}

it('the first value is passed on at once, and so is one that comes late enough', async () => {
  const { made, passed } = steady();
  made.put('a');
  await vi.advanceTimersByTimeAsync(500);
  made.put('b');
  expect(passed).toEqual(['a 0', 'b 500']);
});

it('values that never leave a pause are passed on all the same, the newest of them at a time', async () => {
  const { made, passed } = steady();
  for (let at = 0; at < 12; at++) {
    made.put(String(at));
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(passed).toEqual(['0 0', '4 500', '9 1000']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(passed.at(-1)).toBe('11 1500');
  expect(passed).toHaveLength(4);
});

it('the last value is passed on again for as long as nothing new comes', async () => {
  const { made, passed } = steady();
  made.put('a');
  await vi.advanceTimersByTimeAsync(45_000);
  made.put('b');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(passed).toEqual(['a 0', 'a* 20000', 'a* 40000', 'b 45000', 'b* 65000']);
});

it('nothing is passed on once it was stopped, until something new comes', async () => {
  const { made, passed } = steady();
  made.put('a');
  made.put('b');
  made.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(passed).toEqual(['a 0']);
  made.put('c');
  expect(passed).toEqual(['a 0', 'c 60000']);
});

it('while one is under way nothing else is, and then the newest', async () => {
  const { made, passed } = steady(1_200);
  for (const value of ['a', 'b', 'c']) {
    made.put(value);
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(passed).toEqual(['a 0', 'c 1200']);
});

it('one that does not arrive is not waited for without end', async () => {
  const { made, passed } = steady(60_000);
  made.put('a');
  made.put('b');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(passed).toEqual(['a 0', 'b 20000']);
});

it('what waits for one that is under way is not passed on once it was stopped', async () => {
  const { made, passed } = steady(1_200);
  made.put('a');
  made.put('b');
  made.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(passed).toEqual(['a 0']);
});
