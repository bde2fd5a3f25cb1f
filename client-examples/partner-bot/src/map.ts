/** Where something is, in degrees. */
export interface Point {
  latitude: number;
  longitude: number;
}

const EARTH_KM = 6371;

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** As the crow flies. */
export function distanceKm(from: Point, to: Point): number {
  const north = Math.sin(radians(to.latitude - from.latitude) / 2) ** 2;
  const east = Math.sin(radians(to.longitude - from.longitude) / 2) ** 2;
  const part = north + Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * east;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(part)));
}

/** Where one is who went `km` from `from` towards `to`, and no further than there. */
export function towards(from: Point, to: Point, km: number): Point {
  const whole = distanceKm(from, to);
  if (whole <= km) return to;
  const part = km / whole;
  return {
    latitude: from.latitude + (to.latitude - from.latitude) * part,
    longitude: from.longitude + (to.longitude - from.longitude) * part,
  };
}

/** In degrees clockwise from north. */
export function heading(from: Point, to: Point): number {
  const north = to.latitude - from.latitude;
  const east = (to.longitude - from.longitude) * Math.cos(radians(from.latitude));
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}
