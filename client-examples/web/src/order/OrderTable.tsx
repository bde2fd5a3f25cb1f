import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { OrderLineFragment } from '../gql/graphql';
import { money, plural, when } from '../lib/format';
import { Status } from './Status';
import { StepButtons } from './StepButtons';

/** Orders as rows; `extra` is a column that a desk adds. */
export function OrderTable({
  caption,
  orders,
  extra,
}: {
  caption: string;
  orders: readonly OrderLineFragment[];
  extra?: { label: string; cell: (order: OrderLineFragment) => ReactNode };
}) {
  return (
    // Not by the same name as the region that it may be in.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="scroll" aria-label={`Table: ${caption}`} tabIndex={0}>
      <table className="orders" data-testid="orders">
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Order</th>
            <th scope="col">Status</th>
            <th scope="col">Placed</th>
            <th scope="col">Goods</th>
            <th scope="col">Total</th>
            <th scope="col">Partner</th>
            {extra && <th scope="col">{extra.label}</th>}
            <th scope="col">Next</th>
          </tr>
        </thead>
        <tbody>
          {orders.map((order) => (
            <tr key={order.id} data-order={order.id} data-version={order.version}>
              <th scope="row">
                <Link to={`/orders/${order.id}`}>{order.number}</Link>
              </th>
              <td>
                <Status status={order.status} />
              </td>
              <td>{when(order.createdAt)}</td>
              <td>{plural(order.items.length, 'product')}</td>
              <td>{money(order.total)}</td>
              <td>{order.partner?.name ?? '—'}</td>
              {extra && <td>{extra.cell(order)}</td>}
              <td>
                <StepButtons order={order} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
