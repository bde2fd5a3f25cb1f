import { useEffect, useEffectEvent, useState } from 'react';
import { useAsk } from '../../api/hooks';
import { graphql } from '../../gql';
import { heading, onward, type Point } from '../../lib/geo';

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

/** A device may know better more often than anybody needs to be told. */
const APART_MS = 500;

/** Where the partner is, told to the server as it changes. `goal` is where a played ride goes to. */
export function usePosition(source: PositionSource, start: Point, goal: Point | null) {
  const [fix, setFix] = useState<Fix | null>(null);
  const [error, setError] = useState<string | null>(null);
  const report = useAsk(REPORT);

  const ride = useEffectEvent(() => {
    const from = fix?.point ?? start;
    const point = goal ? onward(from, goal, STEP_KM) : from;
    const isMoving = point.latitude !== from.latitude || point.longitude !== from.longitude;
    setFix({ point, heading: isMoving ? heading(from, point) : null, speedKmh: isMoving ? 30 : 0 });
  });

  useEffect(() => {
    setError(null);
    if (source === 'off') setFix(null);
    if (source === 'ride') {
      ride();
      const timer = setInterval(ride, STEP_MS);
      return () => clearInterval(timer);
    }
    if (source === 'device') {
      const watch = navigator.geolocation.watchPosition(
        ({ coords }) => {
          setError(null);
          setFix({
            point: { latitude: coords.latitude, longitude: coords.longitude },
            heading: Number.isFinite(coords.heading) ? coords.heading : null,
            speedKmh: coords.speed === null ? null : Math.min(300, coords.speed * 3.6),
          });
        },
        ({ message }) => setError(`This device does not say where it is: ${message}`),
        { enableHighAccuracy: true, maximumAge: 5_000 },
      );
      return () => navigator.geolocation.clearWatch(watch);
    }
  }, [source]);

  const tell = useEffectEvent((now: Fix) => {
    void report.ask(() => ({ input: now }));
  });
  useEffect(() => {
    if (!fix) return;
    // Of what comes in quick succession the last is told.
    const timer = setTimeout(() => tell(fix), APART_MS);
    return () => clearTimeout(timer);
  }, [fix]);

  return { point: fix?.point ?? null, error, problems: report.problems };
}
