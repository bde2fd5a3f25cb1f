import type { State } from '../api/connection';
import { useConnection } from '../api/hooks';

const TEXTS: Record<State, string> = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  'caught-up': 'Caught up',
};

export function ConnectionBadge() {
  const state = useConnection();
  return (
    <p className={`connection ${state}`} role="status" aria-live="polite" data-testid="connection">
      <span className="dot" aria-hidden="true" />
      {TEXTS[state]}
    </p>
  );
}
