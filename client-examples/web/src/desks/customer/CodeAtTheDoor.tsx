import type { OrderDetailFragment } from '../../gql/graphql';
import { hasEnded } from '../../order/ended';

/** What the customer reads out when the goods are there, and not before. */
export function CodeAtTheDoor({ order: { deliveryCode, status } }: { order: OrderDetailFragment }) {
  if (!deliveryCode || hasEnded(status)) return null;
  return (
    <section className="card code" aria-labelledby="code">
      <h2 id="code">Code for the door</h2>
      <p className="big" data-testid="delivery-code" role="img" aria-label={deliveryCode.split('').join(' ')}>
        {deliveryCode}
      </p>
      <p>Read it out when you have your goods in hand.</p>
    </section>
  );
}
