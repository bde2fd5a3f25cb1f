import { useState } from 'react';
import { useFeed } from '../api/hooks';
import { graphql } from '../gql';
import type { OrderDetailFragment } from '../gql/graphql';
import { km, time } from '../lib/format';
import type { Point } from '../lib/geo';
import { type Marker, StreetMap } from '../ui/StreetMap';
import { Stopped } from '../ui/states';
import { hasEnded } from './ended';

const TRACKING = graphql(`
  subscription Tracking($orderId: ID!) {
    deliveryTracking(orderId: $orderId) {
      order {
        id
        version
        status
      }
      location {
        point {
          latitude
          longitude
        }
        heading
        speedKmh
        recordedAt
        isStale
      }
      estimatedDeliveryAt
      distanceRemainingKm
    }
  }
`);

/** How many of the partner's positions are drawn behind them. */
const TRAIL = 60;

/** Where the order is, live, until it has arrived. */
export function Tracking({ order }: { order: OrderDetailFragment }) {
  const [trail, setTrail] = useState<readonly Point[]>([]);
  const [now, setNow] = useState<{ where: Marker | null; eta: string | null; left: number | null }>({
    where: null,
    eta: null,
    left: null,
  });
  const isOver = hasEnded(order.status);
  const feed = useFeed(
    TRACKING,
    { orderId: order.id },
    {
      skip: isOver,
      onItem: ({ deliveryTracking: { location, estimatedDeliveryAt, distanceRemainingKm } }) => {
        const where = location && {
          kind: 'partner' as const,
          point: location.point,
          label: order.partner?.name ?? 'Partner',
          heading: location.heading,
          isStale: location.isStale,
        };
        setNow({ where, eta: estimatedDeliveryAt, left: distanceRemainingKm });
        if (location) setTrail((before) => [...before, location.point].slice(-TRAIL));
      },
    },
  );

  const markers: Marker[] = [{ kind: 'store', point: order.seller.location, label: order.seller.storeName }];
  if (order.deliveryAddress?.location) {
    markers.push({ kind: 'door', point: order.deliveryAddress.location, label: order.deliveryAddress.label });
  }
  if (now.where && !isOver) markers.push(now.where);
  const said = isOver
    ? 'The delivery is over.'
    : inWords(now.where, now.left, now.eta ?? order.estimatedDeliveryAt);
  return (
    <section className="card tracking" aria-labelledby="tracking">
      <h2 id="tracking">On the map</h2>
      <Stopped feed={feed} />
      <StreetMap
        markers={markers}
        trail={isOver ? [] : trail}
        description={`Map with the store and the door. ${said}`}
      />
      <p data-testid="tracking" data-fixes={trail.length}>
        {said}
      </p>
    </section>
  );
}

function inWords(where: Marker | null, left: number | null, eta: string | null): string {
  const arrival = eta ? ` Likely at the door at ${time(eta)}.` : '';
  if (!where) return `Where the partner is, is not known yet.${arrival}`;
  const distance = left === null ? 'on the way' : `${km(left)} away`;
  return `${where.label} is ${distance}${where.isStale ? ', as far as is known' : ''}.${arrival}`;
}
