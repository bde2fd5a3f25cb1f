import { useAsk, useFeed } from '../../api/hooks';
import type { ClaimPartsFragment, OrderDetailFragment } from '../../gql/graphql';
import { plural } from '../../lib/format';
import type { Point } from '../../lib/geo';
import { Chat } from '../../order/Chat';
import { ORDER_UPDATES } from '../../order/detail';
import { Status } from '../../order/Status';
import { StepButtons } from '../../order/StepButtons';
import { Button } from '../../ui/Button';
import { Countdown } from '../../ui/Countdown';
import { type Marker, StreetMap } from '../../ui/StreetMap';
import { Problems, Stopped } from '../../ui/states';
import { usePassOn } from '../../ui/usePassOn';
import { ACCEPT, RELEASE } from './claims';
import { HandOver } from './HandOver';

/** One order that the partner holds or carries. */
export function Delivery({
  claim,
  order,
  me,
  onChange,
}: {
  claim: ClaimPartsFragment;
  order: OrderDetailFragment;
  me: Point | null;
  onChange: () => void;
}) {
  // It completes when the order is the partner's no more.
  const feed = useFeed(
    ORDER_UPDATES,
    { orderId: order.id },
    {
      onItem: ({ orderUpdates: item }) => {
        if (item.__typename === 'OrderChanged' || item.__typename === 'StreamReset') onChange();
      },
      onEnd: onChange,
    },
  );
  const accept = useAsk(ACCEPT);
  const release = useAsk(RELEASE);
  const isBusy = accept.isBusy || release.isBusy;
  const { group, passOn } = usePassOn<HTMLElement>();
  const { deliveryAddress: address } = order;
  const can = (action: OrderDetailFragment['viewerActions'][number]) => order.viewerActions.includes(action);

  return (
    <article
      ref={group}
      className="card delivery"
      aria-label={`Order ${order.number}`}
      data-testid="delivery"
      tabIndex={-1}
    >
      <h3>
        {order.number} <Status status={order.status} />
      </h3>
      <Stopped feed={feed} />
      {claim.expiresAt && (
        <p>
          {claim.status === 'HELD' ? 'Held for you for ' : 'To be picked up within '}
          <Countdown
            until={claim.expiresAt}
            label={claim.status === 'HELD' ? 'Time to accept' : 'Time to pick up'}
          />
        </p>
      )}
      <p>
        From <strong>{order.seller.storeName}</strong>, {plural(order.items.length, 'product')}
        {address && (
          <>
            {' '}
            to <strong>{order.customer.name}</strong>, {address.line1}, {address.city}
            {address.instructions && <em> “{address.instructions}”</em>}
          </>
        )}
      </p>
      <div className="steps">
        {can('ACCEPT_CLAIM') && (
          <Button
            ref={passOn}
            className="primary"
            isBusy={isBusy}
            onClick={() =>
              void accept
                .ask((idempotencyKey) => ({ input: { idempotencyKey, claimId: claim.id } }))
                .then(onChange)
            }
          >
            Accept<span className="unseen"> {order.number}</span>
          </Button>
        )}
        {can('RELEASE_CLAIM') && (
          <Button
            ref={passOn}
            isBusy={isBusy}
            onClick={() =>
              void release
                .ask((idempotencyKey) => ({ input: { idempotencyKey, claimId: claim.id } }))
                .then(onChange)
            }
          >
            Give back<span className="unseen"> {order.number}</span>
          </Button>
        )}
      </div>
      <Problems problems={[...accept.problems, ...release.problems]} />
      <StepButtons order={order} />
      {can('DELIVER') && <HandOver order={order} />}
      <StreetMap
        markers={markersOf(order, me)}
        trail={[]}
        description={`Map with the store${address ? ', the door' : ''}${me ? ' and you' : ''}`}
      />
      <details>
        <summary>What is in it</summary>
        <ul>
          {order.items.map(({ id, name, quantity }) => (
            <li key={id}>
              {quantity} × {name}
            </li>
          ))}
        </ul>
      </details>
      {can('MESSAGE') && <Chat order={order} />}
    </article>
  );
}

function markersOf({ seller, deliveryAddress, customer }: OrderDetailFragment, me: Point | null): Marker[] {
  const markers: Marker[] = [{ kind: 'store', point: seller.location, label: seller.storeName }];
  if (deliveryAddress?.location)
    markers.push({ kind: 'door', point: deliveryAddress.location, label: customer.name });
  if (me) markers.push({ kind: 'partner', point: me, label: 'You' });
  return markers;
}
