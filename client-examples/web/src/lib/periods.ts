import type { Interval } from '../gql/graphql';

const DAY_MS = 86_400_000;

export interface Period {
  name: string;
  days: number;
  interval: Interval;
}

/** The events after which the sales of a day are others. */
export const CHANGE_SALES: readonly string[] = [
  'PLACED',
  'PAYMENT_SUCCEEDED',
  'CONFIRMED',
  'CANCELLED',
  'FAILED',
  'DELIVERED',
];

export const PERIODS: readonly [Period, ...Period[]] = [
  { name: 'Today', days: 1, interval: 'HOUR' },
  { name: '7 days', days: 7, interval: 'DAY' },
  { name: '30 days', days: 30, interval: 'DAY' },
];

/** The last `days` days of UTC, today included: the same all day long, so that what is cached is found again. */
export function lastDays(days: number, now = Date.now()): { from: string; to: string } {
  const tomorrow = (Math.floor(now / DAY_MS) + 1) * DAY_MS;
  return { from: new Date(tomorrow - days * DAY_MS).toISOString(), to: new Date(tomorrow).toISOString() };
}

/** What stands under a bar: the hour, or the day. */
export function labelOf(start: string, interval: Interval): string {
  return interval === 'HOUR' ? `${start.slice(11, 13)}h` : `${start.slice(8, 10)}.${start.slice(5, 7)}.`;
}
