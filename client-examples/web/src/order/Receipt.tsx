import type { OrderDetailFragment } from '../gql/graphql';
import { money, words } from '../lib/format';

/** What was bought, where it goes and what it costs. */
export function Receipt({ order }: { order: OrderDetailFragment }) {
  const { deliveryAddress: address } = order;
  return (
    <section className="card" aria-labelledby="receipt">
      <h2 id="receipt">What was ordered</h2>
      <table className="receipt">
        <tbody>
          {order.items.map(({ id, name, quantity, lineTotal }) => (
            <tr key={id}>
              <th scope="row">
                {quantity} × {name}
              </th>
              <td>{money(lineTotal)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          {Number(order.discount.amount) > 0 && (
            <Sum label={`Discount ${order.promoCode ?? ''}`} amount={`−${money(order.discount)}`} />
          )}
          <Sum label="Delivery" amount={money(order.deliveryFee)} />
          <Sum label="Tax" amount={money(order.tax)} />
          <Sum label="Total" amount={money(order.total)} />
        </tfoot>
      </table>
      <p>
        {words(order.paymentMethod)}:{' '}
        <strong data-testid="payment-status">{words(order.paymentStatus)}</strong>
      </p>
      {address && (
        <address>
          {address.label}: {address.line1}
          {address.line2 && `, ${address.line2}`}, {address.city}
          {address.instructions && <em> “{address.instructions}”</em>}
        </address>
      )}
      {order.note && <p>Note: {order.note}</p>}
    </section>
  );
}

function Sum({ label, amount }: { label: string; amount: string }) {
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>{amount}</td>
    </tr>
  );
}
