import { useAsk } from '../../api/hooks';
import { type FragmentType, graphql, unmask } from '../../gql';
import { money } from '../../lib/format';
import { Problems } from '../../ui/states';
import { SET_LINE } from './cart';
import { useCart } from './useCart';

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
  const { cart } = useCart();
  const setLine = useAsk(SET_LINE);
  const quantity = cart?.lines.find((line) => line.product.id === id)?.quantity ?? 0;
  const set = (wanted: number) => void setLine.ask(() => ({ input: { productId: id, quantity: wanted } }));
  const isSold = active && inStock;
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
      {quantity === 0 ? (
        <button type="button" className="primary" disabled={!isSold || setLine.isBusy} onClick={() => set(1)}>
          Add<span className="unseen"> {name} to the cart</span>
        </button>
      ) : (
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
      )}
      <Problems problems={setLine.problems} />
    </li>
  );
}
