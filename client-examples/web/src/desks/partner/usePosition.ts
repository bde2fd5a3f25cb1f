import { useEffect, useEffectEvent, useState } from 'react';
import { useAsk } from '../../api/hooks';
import { graphql } from '../../gql';
import { heading, onward, type Point } from '../../lib/geo';
import { Steady } from '../../lib/steady';

const REPORT = graphql(`
  mutation ReportLocation($input: ReportLocationInput!) {
    result: reportLocation(input: $input) {
      userErrors {
        ...Problem
      }
    }
  }
`);

/** Where a position comes from: nowhere, this device, or a ride that is played on a desk. */
export type PositionSource = 'off' | 'device' | 'ride';

interface Fix {
  point: Point;
  heading: number | null;
  speedKmh: number | null;
}

/** The played ride: this far in each step. */
const STEP_MS = 1_000;
const STEP_KM = 0.08;

/**
 * A device may know better more often than anybody needs to be told, and says nothing while it is not moved: then it is told
 * again, well within the half minute after which the server calls a position stale (LOCATION_STALE_SECONDS), and the minutes
 * after which it forgets it (LOCATION_MINUTES).
 */
const TOLD = { apartMs: 500, againMs: 15_000 };

/**
 * Where the partner is, told to the server as it changes, and again while they are `isOnDuty`. `goal` is where a played ride
 * goes to.
 */
export function usePosition(source: PositionSource, start: Point, goal: Point | null, isOnDuty: boolean) {
  const [fix, setFix] = useState<Fix | null>(null);
  const [error, setError] = useState<string | null>(null);
  const report = useAsk(REPORT);

  const ridden = useEffectEvent((): Fix => {
    const from = fix?.point ?? start;
    const point = goal ? onward(from, goal, STEP_KM) : from;
    const isMoving = point.latitude !== from.latitude || point.longitude !== from.longitude;
    return { point, heading: isMoving ? heading(from, point) : null, speedKmh: isMoving ? 30 : 0 };
  });
  const tell = useEffectEvent(async (now: Fix, isAgain: boolean) => {
    if (isOnDuty || !isAgain) await report.ask(() => ({ input: now }));
  });

  useEffect(() => {
    setError(null);
    if (source === 'off') {
      setFix(null);
      return;
    }
    const told = new Steady<Fix>((now, isAgain) => tell(now, isAgain), TOLD);
    const take = (now: Fix) => {
      setFix(now);
      told.put(now);
    };
    if (source === 'ride') {
      take(ridden());
      const timer = setInterval(() => take(ridden()), STEP_MS);
      return () => {
        clearInterval(timer);
        told.stop();
      };
    }
    const watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        setError(null);
        take({
          point: { latitude: coords.latitude, longitude: coords.longitude },
          heading: Number.isFinite(coords.heading) ? coords.heading : null,
          speedKmh: coords.speed === null ? null : Math.min(300, coords.speed * 3.6),
        });
      },
      ({ message }) => {
        // Where it was is not where it is, once the device does not know.
        told.stop();
        setError(`This device does not say where it is: ${message}`);
      },
      { enableHighAccuracy: true, maximumAge: 5_000 },
    );
    return () => {
      navigator.geolocation.clearWatch(watch);
      told.stop();
    };
  }, [source]);

  return { point: fix?.point ?? null, error, problems: report.problems };
}
