import { useCallback, useEffect, useEffectEvent, useRef } from 'react';

/** Calls `act` a moment after it is asked to, once for all that ask meanwhile. */
export function useSoon(act: () => void, ms = 500): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const run = useEffectEvent(act);
  const due = useRef<() => void>(() => {});
  useEffect(() => {
    due.current = () => run();
    return () => {
      if (timer.current !== null) clearTimeout(timer.current);
    };
  }, []);
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      due.current();
    }, ms);
  }, [ms]);
}
