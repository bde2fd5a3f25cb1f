import { useEffect, useEffectEvent, useRef } from 'react';
import { mayGoWell, pause } from './retry';

/** Milliseconds until what has failed on the screen is asked for once more, the first time and at the most. */
const AGAIN_MS = { initial: 5_000, max: 30_000 };

/** Whatever an answer says, it is asked for again after this many milliseconds. */
const LONGEST_WAIT_MS = 300_000;

/** How what was asked for stands: it came, it is on its way, it failed and may go well later, or it never will. */
export type Standing = 'came' | 'asked' | 'failed' | 'refused';

/**
 * Calls `again` for as long as that fails which may go well later, after longer and longer pauses, and not before the time that
 * the answer named.
 */
export function useAgain(standing: Standing, waitMs: number, again: () => void) {
  const failures = useRef(0);
  const ask = useEffectEvent(again);
  useEffect(() => {
    if (standing === 'came') failures.current = 0;
    if (standing !== 'failed') return;
    failures.current++;
    const wait = Math.min(waitMs, LONGEST_WAIT_MS) + pause(failures.current, AGAIN_MS.initial, AGAIN_MS.max);
    const timer = setTimeout(() => ask(), wait);
    return () => clearTimeout(timer);
  }, [standing, waitMs]);
}

export function standingOf(error: unknown, isLoading: boolean): Standing {
  if (isLoading) return 'asked';
  if (!error) return 'came';
  return mayGoWell(error) ? 'failed' : 'refused';
}
