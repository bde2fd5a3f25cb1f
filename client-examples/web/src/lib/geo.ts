export interface Point {
  latitude: number;
  longitude: number;
}

export interface Spot {
  x: number;
  y: number;
}

export interface Projection {
  toSpot(point: Point): Spot;
  /** How many pixels a kilometre takes. */
  pixelsPerKm: number;
}

const KM_PER_DEGREE = 111.32;

/** A map is never of less than this, so that two points side by side are not worlds apart. */
const SMALLEST_KM = 0.6;

/**
 * A flat map that shows all of `points` within `width` by `height`, north up. A degree of longitude is shorter than one of
 * latitude by the cosine of the latitude, which is all there is to it over a few kilometres.
 */
export function projection(
  points: readonly Point[],
  width: number,
  height: number,
  margin: number,
): Projection {
  const latitudes = points.map(({ latitude }) => latitude);
  const longitudes = points.map(({ longitude }) => longitude);
  const middle: Point = {
    latitude: points.length > 0 ? (Math.min(...latitudes) + Math.max(...latitudes)) / 2 : 0,
    longitude: points.length > 0 ? (Math.min(...longitudes) + Math.max(...longitudes)) / 2 : 0,
  };
  const kmPerLongitude = KM_PER_DEGREE * Math.cos((middle.latitude * Math.PI) / 180);
  const wide = Math.max(SMALLEST_KM, span(longitudes) * kmPerLongitude);
  const high = Math.max(SMALLEST_KM, span(latitudes) * KM_PER_DEGREE);
  const pixelsPerKm = Math.min((width - 2 * margin) / wide, (height - 2 * margin) / high);
  return {
    pixelsPerKm,
    toSpot: ({ latitude, longitude }) => ({
      x: width / 2 + (longitude - middle.longitude) * kmPerLongitude * pixelsPerKm,
      y: height / 2 - (latitude - middle.latitude) * KM_PER_DEGREE * pixelsPerKm,
    }),
  };
}

/** Kilometres from one point to another, as the crow flies. */
export function distanceKm(from: Point, to: Point): number {
  const latitude = (((from.latitude + to.latitude) / 2) * Math.PI) / 180;
  const north = (to.latitude - from.latitude) * KM_PER_DEGREE;
  const east = (to.longitude - from.longitude) * KM_PER_DEGREE * Math.cos(latitude);
  return Math.hypot(north, east);
}

/** Degrees clockwise from north, 0 to 360. */
export function heading(from: Point, to: Point): number {
  const latitude = (((from.latitude + to.latitude) / 2) * Math.PI) / 180;
  const north = to.latitude - from.latitude;
  const east = (to.longitude - from.longitude) * Math.cos(latitude);
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}

/** `km` further on the straight way to `to`; `to` itself when it is no further than that. */
export function onward(from: Point, to: Point, km: number): Point {
  const part = Math.min(1, km / Math.max(distanceKm(from, to), 1e-9));
  return {
    latitude: from.latitude + (to.latitude - from.latitude) * part,
    longitude: from.longitude + (to.longitude - from.longitude) * part,
  };
}

/** The longest round length whose bar on the map is not wider than `pixels`, in kilometres. */
export function scaleKm(pixelsPerKm: number, pixels: number): number {
  const most = pixels / pixelsPerKm;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([5, 2, 1].find((step) => step * power <= most) ?? 1) * power;
}

function span(values: readonly number[]): number {
  return values.length > 0 ? Math.max(...values) - Math.min(...values) : 0;
}
