import { useEffect, useState } from 'react';
import { useApi } from '../api/hooks';
import { asClock, secondsLeft } from '../lib/countdown';

/** Counts down to a moment of the server's clock. */
export function Countdown({ until, label }: { until: string; label: string }) {
  const { clock } = useApi();
  const [seconds, setSeconds] = useState(() => secondsLeft(until, clock.now()));
  useEffect(() => {
    const look = () => setSeconds(secondsLeft(until, clock.now()));
    look();
    const timer = setInterval(look, 500);
    return () => clearInterval(timer);
  }, [until, clock]);
  return (
    <span
      className={seconds <= 15 ? 'countdown short' : 'countdown'}
      role="timer"
      aria-label={`${label}: ${seconds} seconds`}
    >
      {asClock(seconds)}
    </span>
  );
}
