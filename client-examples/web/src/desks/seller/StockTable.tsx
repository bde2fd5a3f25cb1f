import { type FormEvent, useState } from 'react';
import { useAsk } from '../../api/hooks';
import type { StockMovementReason, StockRowFragment } from '../../gql/graphql';
import { money } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Problems } from '../../ui/states';
import { ADJUST } from './stock';

export function StockTable({ caption, rows }: { caption: string; rows: readonly StockRowFragment[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="scroll" aria-label={`Table: ${caption}`} tabIndex={0}>
      <table>
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col">SKU</th>
            <th scope="col">Price</th>
            <th scope="col">Left</th>
            <th scope="col">On hand</th>
            <th scope="col">What happened</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((product) => (
            <tr key={product.id} data-sku={product.sku}>
              <th scope="row">
                {product.name}
                {product.stock?.isLow && <strong className="badge"> low</strong>}
                {!product.active && <em> off sale</em>}
              </th>
              <td>{product.sku}</td>
              <td>{money(product.price)}</td>
              <td data-testid="left">{product.available}</td>
              <td>{product.stock?.onHand ?? '—'}</td>
              <td>
                <Adjust product={product} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const REASONS: readonly { reason: StockMovementReason; label: string }[] = [
  { reason: 'RECEIVED', label: 'Received' },
  { reason: 'RETURNED', label: 'Returned' },
  { reason: 'ADJUSTED', label: 'Counted' },
  { reason: 'DAMAGED', label: 'Damaged' },
];

function Adjust({ product: { id, name } }: { product: StockRowFragment }) {
  const [delta, setDelta] = useState('');
  const [reason, setReason] = useState<StockMovementReason>('RECEIVED');
  const adjust = useAsk(ADJUST);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const input = { productId: id, delta: Number(delta), reason };
    if (await adjust.ask((idempotencyKey) => ({ input: { ...input, idempotencyKey } })))
      setDelta((now) => (now === delta ? '' : now));
  };
  return (
    <form className="inline" onSubmit={(event) => void submit(event)}>
      <input
        type="number"
        step="1"
        required
        aria-label={`Pieces of ${name}, more or fewer`}
        placeholder="±"
        value={delta}
        onChange={(event) => setDelta(event.target.value)}
      />
      <select
        aria-label={`Why, for ${name}`}
        value={reason}
        onChange={(event) => setReason(event.target.value as StockMovementReason)}
      >
        {REASONS.map(({ reason: value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <Button type="submit" isBusy={adjust.isBusy}>
        Record<span className="unseen"> it for {name}</span>
      </Button>
      <Problems problems={adjust.problems} />
    </form>
  );
}
