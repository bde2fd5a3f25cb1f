import { useQuery } from '@apollo/client/react';
import { useLoad } from '../../api/hooks';
import { unmask } from '../../gql';
import { CART, CartParts } from './cart';

/** The cart; the desk's subscription keeps it as it is on the server. */
export function useCart() {
  const query = useLoad(CART, {});
  return { query, cart: unmask(CartParts, query.data?.viewer?.cart) };
}

/**
 * The same for what is on a page many times: the desk has loaded it, or will, and it is not asked for here. Nor is it later,
 * which has to be said: the client's defaults would have it asked for then.
 */
export function useKnownCart() {
  const { data } = useQuery(CART, { fetchPolicy: 'cache-only', nextFetchPolicy: 'cache-only' });
  return unmask(CartParts, data?.viewer?.cart);
}
