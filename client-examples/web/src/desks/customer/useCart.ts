import { useLoad } from '../../api/hooks';
import { unmask } from '../../gql';
import { CART, CartParts } from './cart';

/** The cart; the desk's subscription keeps it as it is on the server. */
export function useCart() {
  const query = useLoad(CART, {});
  return { query, cart: unmask(CartParts, query.data?.viewer?.cart) };
}
