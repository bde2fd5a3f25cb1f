import { createContext, useContext, useEffect, useEffectEvent, useRef, useSyncExternalStore } from 'react';
import type { Api } from './client';

export const ApiContext = createContext<Api | null>(null);

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error('there is nobody signed in here');
  return api;
}

export function useConnection() {
  const { connection } = useApi();
  return useSyncExternalStore(connection.subscribe, connection.state);
}

/** Calls `again` whenever the line has come back: for what has no cursor to resume from. */
export function useReturn(again: () => void) {
  const { connection } = useApi();
  const returns = useSyncExternalStore(connection.subscribe, connection.returns);
  const seen = useRef(returns);
  const onReturn = useEffectEvent(again);
  useEffect(() => {
    if (seen.current === returns) return;
    seen.current = returns;
    onReturn();
  }, [returns]);
}
