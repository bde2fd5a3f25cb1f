import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useAsk, useFeed, useLoad, useReturn } from '../../api/hooks';
import { graphql, unmask } from '../../gql';
import type { OrderDetailFragment } from '../../gql/graphql';
import type { Point } from '../../lib/geo';
import { OrderDetail } from '../../order/detail';
import { Field } from '../../ui/Field';
import { refresh } from '../../ui/reload';
import { Empty, Failure, Loaded, Problems, Stopped } from '../../ui/states';
import { CLAIMS, ClaimParts } from './claims';
import { Delivery } from './Delivery';
import { Offers } from './Offers';
import { type PositionSource, usePosition } from './usePosition';

const ME = graphql(`
  query Me {
    viewer {
      user {
        id
        partner {
          available
          capacity
          activeDeliveries
          completedDeliveries
          rating
        }
      }
    }
  }
`);

const SET_AVAILABILITY = graphql(`
  mutation SetAvailability($input: SetAvailabilityInput!) {
    result: setAvailability(input: $input) {
      user {
        id
        partner {
          available
        }
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

const TOLD = graphql(`
  subscription Told($after: EventCursor) {
    notifications(after: $after) {
      __typename
      ... on NotificationSnapshot {
        cursor
      }
      ... on NotificationSent {
        cursor
      }
      ... on NotificationsRead {
        cursor
      }
      ... on StreamReset {
        cursor
      }
    }
  }
`);

/** Where a played ride begins, when nothing is carried: the middle of the demo's city. */
const SOMEWHERE: Point = { latitude: 12.9716, longitude: 77.6412 };

/** Online or not, where one is, what one carries, and what there is to carry; also while it is not shown. */
export function Work({ isShown }: { isShown: boolean }) {
  const me = useLoad(ME, {});
  const claims = useLoad(CLAIMS, {});
  const availability = useAsk(SET_AVAILABILITY);
  const [source, setSource] = useState<PositionSource>('off');
  const [isNear, setNear] = useState(false);

  const mine = (claims.data?.partner.claims.edges ?? []).map(({ node }) => ({
    claim: unmask(ClaimParts, node),
    order: unmask(OrderDetail, node.order),
  }));
  const position = usePosition(
    source,
    mine[0]?.order.seller.location ?? SOMEWHERE,
    goalOf(mine.map(({ order }) => order)),
    mine.length > 0 || me.data?.viewer?.user.partner?.available === true,
  );

  const comeOn = async (available: boolean) => {
    if (!availability.isBusy) await availability.ask(() => ({ input: { available } }));
  };
  const refreshAll = () => {
    void refresh(claims);
    void refresh(me);
  };
  // An admin may have given the partner an order, or taken one: they are told.
  const feed = useFeed(
    TOLD,
    {},
    {
      onBegin: refreshAll,
      onItem: ({ notifications: item }) => item.__typename === 'NotificationSent' && refreshAll(),
    },
  );
  useReturn(refreshAll);
  // What they did on another device meanwhile, they are not told.
  const wasShown = useRef(isShown);
  const onShown = useEffectEvent(refreshAll);
  useEffect(() => {
    if (isShown && !wasShown.current) onShown();
    wasShown.current = isShown;
  }, [isShown]);

  return (
    <>
      <h1>Work</h1>
      <Stopped feed={feed} />
      <Loaded query={me} what="your profile">
        {({ viewer }) => {
          const profile = viewer?.user.partner;
          if (!profile) return <Empty>This account delivers nothing.</Empty>;
          return (
            <section className="card" aria-label="You">
              <label className="switch">
                <input
                  type="checkbox"
                  role="switch"
                  aria-checked={profile.available}
                  checked={profile.available}
                  aria-disabled={availability.isBusy || undefined}
                  onChange={(event) => void comeOn(event.target.checked)}
                />{' '}
                I take orders
              </label>
              <p>
                Carrying {profile.activeDeliveries} of {profile.capacity}, delivered{' '}
                {profile.completedDeliveries}
                {profile.rating !== null && `, rated ${profile.rating} ★`}
              </p>
              <Field label="Tell where I am">
                {(id) => (
                  <select
                    id={id}
                    value={source}
                    onChange={(event) => setSource(event.target.value as PositionSource)}
                  >
                    <option value="off">No</option>
                    <option value="device">As this device says</option>
                    <option value="ride">Play a ride</option>
                  </select>
                )}
              </Field>
              <label className="check">
                <input
                  type="checkbox"
                  checked={isNear}
                  disabled={position.point === null}
                  onChange={(event) => setNear(event.target.checked)}
                />{' '}
                Only orders near me
              </label>
              {position.error && <Failure error={position.error} />}
              <Problems problems={[...availability.problems, ...position.problems]} />
            </section>
          );
        }}
      </Loaded>
      <section aria-labelledby="mine">
        <h2 id="mine">My deliveries</h2>
        <Loaded query={claims} what="your deliveries">
          {() =>
            mine.length === 0 ? (
              <Empty>You carry nothing.</Empty>
            ) : (
              mine.map(({ claim, order }) => (
                <Delivery
                  key={claim.id}
                  claim={claim}
                  order={order}
                  me={position.point}
                  onChange={refreshAll}
                />
              ))
            )
          }
        </Loaded>
      </section>
      <Offers near={isNear && position.point ? roughly(position.point) : null} onChange={refreshAll} />
    </>
  );
}

/** Where the next stop is: the store until the goods are picked up, then the door. */
function goalOf(orders: readonly OrderDetailFragment[]): Point | null {
  const [order] = orders;
  if (!order) return null;
  const hasGoods = order.status === 'PICKED_UP' || order.status === 'IN_TRANSIT';
  return hasGoods ? (order.deliveryAddress?.location ?? null) : order.seller.location;
}

/** To about a kilometre: whoever moves a little need not subscribe anew. */
function roughly({ latitude, longitude }: Point): Point {
  return { latitude: Math.round(latitude * 100) / 100, longitude: Math.round(longitude * 100) / 100 };
}
