import { type RefCallback, useEffect, useReducer } from 'react';
import { useAsk, useFeed } from '../../api/hooks';
import { graphql, unmask } from '../../gql';
import type { OfferFragment } from '../../gql/graphql';
import { km, money, plural, time } from '../../lib/format';
import type { Point } from '../../lib/geo';
import { Button } from '../../ui/Button';
import { Empty, Loading, Problems, Stopped } from '../../ui/states';
import { usePassOn } from '../../ui/usePassOn';
import { changed, NO_OFFERS, OFFERS, Offer, runsOut } from './offers';

const HOLD = graphql(`
  mutation ClaimOrder($input: ClaimOrderInput!) {
    result: claimOrder(input: $input) {
      claim {
        ...ClaimParts
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

const RADIUS_KM = 5;

/** What can be claimed now. It appears and vanishes as it happens. */
export function Offers({ near, onChange }: { near: Point | null; onChange: () => void }) {
  const [shown, change] = useReducer(changed, NO_OFFERS);
  const { offers } = shown;
  const feed = useFeed(OFFERS, near ? { near, radiusKm: RADIUS_KM } : {}, {
    onItem: ({ availableOrders: item }) => {
      if (item.__typename === 'AvailableOrdersSnapshot')
        change({ kind: 'all', offers: unmask(Offer, item.orders), hasMore: item.more });
      if (item.__typename === 'OrderAvailable') change({ kind: 'new', offer: unmask(Offer, item.order) });
      if (item.__typename === 'OrderUnavailable') change({ kind: 'gone', orderId: item.orderId });
      if (item.__typename === 'StreamReset') change({ kind: 'reset' });
    },
  });
  const { restart } = feed;
  const isRestartDue = runsOut(shown);
  useEffect(() => {
    if (isRestartDue) restart();
  }, [isRestartDue, restart]);
  // Not to the next offer: whoever presses a key once more would hold that, too.
  const { group, passOn } = usePassOn<HTMLHeadingElement>();
  return (
    <section aria-labelledby="offers">
      <h2 id="offers" ref={group} tabIndex={-1}>
        Available orders
      </h2>
      <p className="unseen" role="status">
        {plural(offers.length, 'order')} available
      </p>
      <Stopped feed={feed} />
      {!feed.error && !feed.isLive && <Loading what="Looking for orders" />}
      {feed.isLive && offers.length === 0 && (
        <Empty>Nothing to deliver just now. Orders appear here by themselves.</Empty>
      )}
      <ul className="rows" data-testid="offers">
        {offers.map((offer) => (
          <OfferCard key={offer.orderId} offer={offer} onClaim={onChange} passOn={passOn} />
        ))}
      </ul>
    </section>
  );
}

function OfferCard({
  offer,
  onClaim,
  passOn,
}: {
  offer: OfferFragment;
  onClaim: () => void;
  passOn: RefCallback<HTMLButtonElement>;
}) {
  const hold = useAsk(HOLD);
  const claim = async (accept: boolean) => {
    const { orderId } = offer;
    if (await hold.ask((idempotencyKey) => ({ input: { idempotencyKey, orderId, accept } }))) onClaim();
  };
  return (
    <li className="card offer">
      <h3>
        {offer.storeName} <small>{offer.number}</small>
      </h3>
      <p>
        <strong>{money(offer.payout)}</strong> for {km(offer.distanceKm)}, {plural(offer.itemCount, 'piece')}
        {offer.pickupDistanceKm !== null && `, ${km(offer.pickupDistanceKm)} to the store`}
      </p>
      <small>Ready since {time(offer.readyAt)}</small>
      <div className="steps">
        <Button ref={passOn} className="primary" isBusy={hold.isBusy} onClick={() => void claim(false)}>
          Hold<span className="unseen"> {offer.number}</span>
        </Button>
        <Button ref={passOn} isBusy={hold.isBusy} onClick={() => void claim(true)}>
          Take at once<span className="unseen">: {offer.number}</span>
        </Button>
      </div>
      <Problems problems={hold.problems} />
    </li>
  );
}
