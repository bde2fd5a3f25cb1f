import { type FormEvent, useState } from 'react';
import { useAsk } from '../../api/hooks';
import { unmask } from '../../gql';
import type { CartPartsFragment } from '../../gql/graphql';
import { money } from '../../lib/format';
import { Field } from '../../ui/Field';
import { Empty, Loaded, Problems } from '../../ui/states';
import { Checkout } from './Checkout';
import { APPLY_PROMO, CartParts, SET_LINE } from './cart';
import { useCart } from './useCart';

/** The cart, priced as the order would be now; what changes under it appears as it happens. */
export function CartPage() {
  const { query } = useCart();
  return (
    <>
      <h1>Cart</h1>
      <Loaded query={query} what="the cart">
        {({ viewer }) => {
          const cart = unmask(CartParts, viewer?.cart);
          if (!cart || cart.lines.length === 0) return <Empty>Your cart is empty.</Empty>;
          return (
            <div className="columns">
              <Lines cart={cart} />
              <Checkout cart={cart} />
            </div>
          );
        }}
      </Loaded>
    </>
  );
}

function Lines({ cart }: { cart: CartPartsFragment }) {
  return (
    <section className="card" aria-labelledby="lines">
      <h2 id="lines">From {cart.lines[0]?.product.seller.storeName}</h2>
      <div role="alert" data-testid="cart-problems">
        {cart.problems.map(({ kind, line, message }) => (
          <p key={`${kind} ${line?.id}`} className="warning">
            {message}
          </p>
        ))}
      </div>
      <ul className="rows">
        {cart.lines.map((line) => (
          <Line
            key={line.id}
            line={line}
            isWrong={cart.problems.some((problem) => problem.line?.id === line.id)}
          />
        ))}
      </ul>
      <Promo code={cart.promoCode} />
      <dl className="sums">
        <Sum label="Goods" amount={money(cart.subtotal)} />
        {Number(cart.discount.amount) > 0 && <Sum label="Discount" amount={`−${money(cart.discount)}`} />}
        <Sum label="Delivery" amount={money(cart.deliveryFee)} />
        <Sum label="Tax" amount={money(cart.tax)} />
        <Sum label="Total" amount={money(cart.total)} />
      </dl>
    </section>
  );
}

function Sum({ label, amount }: { label: string; amount: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{amount}</dd>
    </div>
  );
}

function Line({
  line: { product, quantity, lineTotal },
  isWrong,
}: {
  line: CartPartsFragment['lines'][number];
  isWrong: boolean;
}) {
  const setLine = useAsk(SET_LINE);
  const set = (wanted: number) =>
    void setLine.ask(() => ({ input: { productId: product.id, quantity: wanted } }));
  const { name, available } = product;
  return (
    <li className={isWrong ? 'line wrong' : 'line'}>
      <span>{name}</span>
      <div className="stepper">
        <button
          type="button"
          aria-label={`One ${name} fewer`}
          disabled={setLine.isBusy}
          onClick={() => set(quantity - 1)}
        >
          −
        </button>
        <output>{quantity}</output>
        <button
          type="button"
          aria-label={`One more ${name}`}
          disabled={setLine.isBusy}
          onClick={() => set(quantity + 1)}
        >
          +
        </button>
      </div>
      <strong>{money(lineTotal)}</strong>
      {isWrong && (
        <button type="button" disabled={setLine.isBusy} onClick={() => set(Math.min(quantity, available))}>
          {available === 0 ? 'Remove' : available < quantity ? `Take ${available} of` : 'Accept the price of'}{' '}
          {name}
        </button>
      )}
      <Problems problems={setLine.problems} />
    </li>
  );
}

function Promo({ code }: { code: string | null }) {
  const [text, setText] = useState('');
  const promo = useAsk(APPLY_PROMO);
  const apply = (event: FormEvent) => {
    event.preventDefault();
    void promo.ask(() => ({ input: { code: code === null ? text.trim() : null } }));
  };
  return (
    <form onSubmit={apply} className="line">
      {code === null ? (
        <Field label="Promo code">
          {(id) => (
            <input
              id={id}
              value={text}
              maxLength={40}
              onChange={(event) => setText(event.target.value)}
              autoComplete="off"
            />
          )}
        </Field>
      ) : (
        <p>
          Promo code <strong>{code}</strong>
        </p>
      )}
      <button type="submit" disabled={promo.isBusy || (code === null && text.trim() === '')}>
        {code === null ? 'Apply' : 'Take off'}
      </button>
      <Problems problems={promo.problems} />
    </form>
  );
}
