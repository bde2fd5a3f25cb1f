import { type FormEvent, type RefCallback, useState } from 'react';
import { useAsk } from '../../api/hooks';
import { unmask } from '../../gql';
import type { CartPartsFragment, CartProblemKind } from '../../gql/graphql';
import { money } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Empty, Loaded, Problems } from '../../ui/states';
import { usePassOn } from '../../ui/usePassOn';
import { Checkout, PLACE } from './Checkout';
import { APPLY_PROMO, CartParts, SET_LINE } from './cart';
import { useCart } from './useCart';

/** The cart, priced as the order would be now; what changes under it appears as it happens. */
export function CartPage() {
  const { query } = useCart();
  const place = useAsk(PLACE);
  const [ordered, setOrdered] = useState<CartPartsFragment | null>(null);
  // With a line go its buttons, and with the last one all but the heading.
  const { group, passOn } = usePassOn<HTMLHeadingElement>();
  return (
    <>
      <h1 ref={group} tabIndex={-1}>
        Cart
      </h1>
      <Loaded query={query} what="the cart">
        {({ viewer }) => {
          const cart = unmask(CartParts, viewer?.cart);
          const filled = cart && cart.lines.length > 0 ? cart : null;
          // An order empties the cart, maybe before its answer is here, or though that was lost: until it is known what became
          // of it, the same can be asked for once more.
          const shown = filled ?? (place.isBusy || place.isUnknown ? ordered : null);
          if (!shown) return <Empty>Your cart is empty.</Empty>;
          return (
            <div className="columns">
              {filled && <Lines cart={filled} passOn={passOn} />}
              <Checkout cart={shown} place={place} onPlace={() => setOrdered(shown)} />
            </div>
          );
        }}
      </Loaded>
    </>
  );
}

type PassOn = RefCallback<HTMLButtonElement>;

function Lines({ cart, passOn }: { cart: CartPartsFragment; passOn: PassOn }) {
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
            passOn={passOn}
            problems={cart.problems.filter((problem) => problem.line?.id === line.id).map(({ kind }) => kind)}
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

/** With these a line can only be taken out: the server refuses any other quantity, also of what is off sale but in stock. */
const GONE: readonly CartProblemKind[] = ['PRODUCT_UNAVAILABLE', 'OUT_OF_STOCK'];

function Line({
  line: { product, quantity, lineTotal },
  passOn,
  problems,
}: {
  line: CartPartsFragment['lines'][number];
  /** For the buttons with which the line may go. */
  passOn: PassOn;
  problems: readonly CartProblemKind[];
}) {
  const setLine = useAsk(SET_LINE);
  const { group, passOn: passOnWithin } = usePassOn<HTMLLIElement>();
  const set = (wanted: number) =>
    void setLine.ask(() => ({ input: { productId: product.id, quantity: wanted } }));
  const { name, available } = product;
  const isWrong = problems.length > 0;
  const most = problems.some((kind) => GONE.includes(kind)) ? 0 : available;
  return (
    <li ref={group} className={isWrong ? 'line wrong' : 'line'} tabIndex={-1}>
      <span>{name}</span>
      <div className="stepper">
        <Button
          ref={passOn}
          aria-label={`One ${name} fewer`}
          isBusy={setLine.isBusy}
          onClick={() => set(Math.min(quantity - 1, most))}
        >
          −
        </Button>
        <output>{quantity}</output>
        <Button aria-label={`One more ${name}`} isBusy={setLine.isBusy} onClick={() => set(quantity + 1)}>
          +
        </Button>
      </div>
      <strong>{money(lineTotal)}</strong>
      {isWrong && most === 0 && (
        <Button ref={passOn} isBusy={setLine.isBusy} onClick={() => set(0)}>
          Remove {name}
        </Button>
      )}
      {isWrong && most > 0 && (
        <Button ref={passOnWithin} isBusy={setLine.isBusy} onClick={() => set(Math.min(quantity, most))}>
          {most < quantity ? `Take ${most} of` : 'Accept the price of'} {name}
        </Button>
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
        <Field label="Promo code" name="code" problems={promo.problems}>
          {(id, aria) => (
            <input
              id={id}
              {...aria}
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
      <Button type="submit" isBusy={promo.isBusy} disabled={code === null && text.trim() === ''}>
        {code === null ? 'Apply' : 'Take off'}
      </Button>
      <Problems problems={promo.problems} beside={code === null ? ['code'] : []} />
    </form>
  );
}
