import type { OrderDetailFragment } from '../../gql/graphql';

const ENDED = ['DELIVERED', 'CANCELLED', 'FAILED'];

/** What the customer reads out when the goods are there, and not before. */
export function CodeAtTheDoor({ order: { deliveryCode, status } }: { order: OrderDetailFragment }) {
  if (!deliveryCode || ENDED.includes(status)) return null;
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
