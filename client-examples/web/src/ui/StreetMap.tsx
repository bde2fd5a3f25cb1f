import { useId } from 'react';
import { km } from '../lib/format';
import { type Point, projection, type Spot, scaleKm } from '../lib/geo';

const WIDTH = 420;
const HEIGHT = 260;
const MARGIN = 44;
const BLOCK_KM = 0.25;

export interface Marker {
  kind: 'store' | 'door' | 'partner';
  point: Point;
  label: string;
  /** Degrees clockwise from north, when it is known. */
  heading?: number | null;
  isStale?: boolean;
}

/**
 * Where things are, drawn here and not fetched from a service of maps: nobody else is told where people live. `description`
 * says the same in words.
 */
export function StreetMap({
  markers,
  trail,
  description,
}: {
  markers: readonly Marker[];
  trail: readonly Point[];
  description: string;
}) {
  const blocks = useId();
  const { toSpot, pixelsPerKm } = projection(
    markers.map(({ point }) => point),
    WIDTH,
    HEIGHT,
    MARGIN,
  );
  const bar = scaleKm(pixelsPerKm, 100);
  const spots = markers.map((marker) => ({ marker, spot: toSpot(marker.point) }));
  const block = Math.max(BLOCK_KM * pixelsPerKm, 16);
  return (
    <svg className="map" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={description}>
      <defs>
        <pattern id={blocks} width={block} height={block} patternUnits="userSpaceOnUse">
          <rect width={block} height={block} className="street" />
          <rect x="3" y="3" width={block - 6} height={block - 6} rx="4" className="block" />
        </pattern>
      </defs>
      <rect width={WIDTH} height={HEIGHT} fill={`url(#${blocks})`} />
      <polyline
        className="way"
        points={line(markers.filter(({ kind }) => kind !== 'partner').map(({ point }) => toSpot(point)))}
      />
      <polyline className="trail" points={line(trail.map(toSpot))} />
      {spots.map(({ marker, spot }, index) => (
        <Pin
          key={marker.kind}
          marker={marker}
          spot={spot}
          // Whoever stands beside somebody else has their name on the other side.
          isLeft={spot.x > WIDTH - 120 !== spots.slice(0, index).some((other) => isBeside(other.spot, spot))}
        />
      ))}
      <g className="scale" transform={`translate(16 ${HEIGHT - 18})`}>
        <path d={`M0 -6V0H${bar * pixelsPerKm}V-6`} />
        <text x="6" y="-8">
          {km(bar)}
        </text>
      </g>
    </svg>
  );
}

function isBeside(one: Spot, other: Spot): boolean {
  return Math.abs(one.x - other.x) < 120 && Math.abs(one.y - other.y) < 14;
}

function Pin({
  marker: { kind, label, heading, isStale },
  spot: { x, y },
  isLeft,
}: {
  marker: Marker;
  spot: Spot;
  isLeft: boolean;
}) {
  return (
    <g
      className={`pin ${kind}${isStale ? ' stale' : ''}`}
      transform={`translate(${x} ${y})`}
      data-testid={`pin-${kind}`}
    >
      {heading != null && (
        <path className="heading" d="M0 -24 L7 -11 L-7 -11 Z" transform={`rotate(${heading})`} />
      )}
      <circle r="11" />
      <text className="glyph" textAnchor="middle" y="4.5">
        {{ store: 'S', door: 'D', partner: 'P' }[kind]}
      </text>
      <text className="label" textAnchor={isLeft ? 'end' : 'start'} x={isLeft ? -16 : 16} y="5">
        {label}
      </text>
    </g>
  );
}

function line(spots: readonly Spot[]): string {
  return spots.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
}
