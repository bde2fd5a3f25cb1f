import { useAsk } from '../../api/hooks';
import { type FragmentType, graphql, unmask } from '../../gql';
import { money } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Problems } from '../../ui/states';
import { usePassOn } from '../../ui/usePassOn';
import { SET_LINE } from './cart';
import { useKnownCart } from './useCart';

export const ProductParts = graphql(`
  fragment ProductCard on Product {
    id
    name
    images
    active
    available
    inStock
    rating
    price {
      amount
      currency
    }
    compareAtPrice {
      amount
      currency
    }
    seller {
      id
      storeName
    }
  }
`);

/** From how few on it is said how many are left. */
const FEW = 5;

export function ProductCard({ product }: { product: FragmentType<typeof ProductParts> }) {
  const { id, name, images, price, compareAtPrice, available, inStock, active, rating, seller } = unmask(
    ProductParts,
    product,
  );
  const cart = useKnownCart();
  const setLine = useAsk(SET_LINE);
  const quantity = cart?.lines.find((line) => line.product.id === id)?.quantity ?? 0;
  const set = (wanted: number) => void setLine.ask(() => ({ input: { productId: id, quantity: wanted } }));
  const isSold = active && inStock;
  // The button for one fewer goes with the last piece: by then the one that stays is primary.
  const { group, passOn } = usePassOn<HTMLDivElement>();
  return (
    <li className="card product" data-testid="product">
      {images[0] && <img src={images[0]} alt="" loading="lazy" width="96" height="96" />}
      <h2>{name}</h2>
      <p className="price">
        <strong>{money(price)}</strong>
        {compareAtPrice && (
          <>
            {' '}
            <s>
              <span className="unseen">instead of </span>
              {money(compareAtPrice)}
            </s>
          </>
        )}
      </p>
      <p className="where">
        {seller.storeName}
        {rating != null && <> · {rating} ★</>}
      </p>
      <p className="stock" data-testid="available" aria-live="off">
        {!isSold ? 'Sold out' : available <= FEW ? `Only ${available} left` : 'In stock'}
      </p>
      <div ref={group} className={quantity === 0 ? 'adding' : 'stepper'}>
        {quantity > 0 && (
          <Button
            ref={passOn}
            aria-label={`One ${name} fewer`}
            isBusy={setLine.isBusy}
            onClick={() => set(Math.min(quantity - 1, isSold ? available : 0))}
          >
            −
          </Button>
        )}
        {quantity > 0 && <output>{quantity}</output>}
        {/* One button, whether it adds the first piece or another one: it keeps the focus. How many pieces one more makes, only
            the cart says. */}
        <Button
          className={quantity === 0 ? 'primary' : undefined}
          aria-label={quantity === 0 ? undefined : `One more ${name}`}
          disabled={quantity === 0 && !isSold}
          isBusy={setLine.isBusy || !cart}
          onClick={() => set(quantity + 1)}
        >
          {quantity === 0 ? (
            <>
              Add<span className="unseen"> {name} to the cart</span>
            </>
          ) : (
            '+'
          )}
        </Button>
      </div>
      <Problems problems={setLine.problems} />
    </li>
  );
}
