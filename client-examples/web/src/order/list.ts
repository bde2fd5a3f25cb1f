import type { ApolloClient, ObservableQuery, OperationVariables } from '@apollo/client';
import { withEdge } from '../lib/edges';
import { reload } from '../ui/reload';

interface Orders<Order, Page> {
  edges: readonly { cursor: string; node: Order }[];
  pageInfo: Page;
}

/** A list as far as it is looked at to tell what it lacks. */
type Listed = Orders<{ id: string }, { hasNextPage: boolean; endCursor: string | null }>;

/**
 * With more orders than these a list that has grown begins anew: it grows for as long as the page is open. It cannot be cut,
 * for what a feed has put there has the feed's cursor, behind which there is no next page.
 */
export const KEPT = 500;

/** Orders, newest first, with the one that a feed has brought in its place if it `belongs` there, and else without it. */
export function withOrder<
  Order extends { id: string; createdAt: string },
  Page extends { hasNextPage: boolean },
>(
  orders: Orders<Order, Page>,
  { cursor, order }: { cursor: string; order: NoInfer<Order> },
  belongs: boolean,
) {
  const edge = { __typename: 'OrderEdge', cursor, node: order };
  const { hasNextPage: hasMore } = orders.pageInfo;
  return { ...orders, edges: [...withEdge(orders.edges, edge, { belongs, hasMore })] };
}

/** What a list needs, which was `before` and is `after` what a feed has brought: all of it anew, its first page, or nothing. */
export function needOf(before: Listed, after: Listed): 'all' | 'first page' | null {
  if (after.edges.length > Math.max(KEPT, before.edges.length)) return 'first page';
  // Its last order has left. What is older than those that stay may be on no page then: the next one begins behind that order.
  const hasLostEnd = before.edges.at(-1)?.node.id !== after.edges.at(-1)?.node.id;
  return before.pageInfo.hasNextPage && hasLostEnd ? 'all' : null;
}

interface Query<Data, Variables extends OperationVariables> {
  client: ApolloClient;
  observable: ObservableQuery<Data, Variables>;
}

/**
 * Asks anew for a list where an order that has changed, and `belongs` there or not, could not just be put into it. `before` and
 * `after` are the list in the cache, without that order and with it; null when it has none.
 */
export function mend<Data, Variables extends OperationVariables>(
  query: Query<Data, Variables>,
  pageOf: (data: Data) => Listed,
  { before, after, belongs }: { before: Data | null; after: Data | null; belongs: boolean },
): void {
  // The answer that is on its way may be of before the order belonged there, and takes the place of what is there now.
  if (query.observable.getCurrentResult().loading) {
    if (belongs) void reload(query, pageOf);
    return;
  }
  const need = before && after && needOf(pageOf(before), pageOf(after));
  if (need === 'all') void reload(query, pageOf);
  if (need === 'first page') void query.observable.refetch().catch(() => {});
}
