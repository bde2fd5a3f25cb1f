import { withEdge } from '../lib/edges';

interface Orders<Order, Page> {
  edges: readonly { cursor: string; node: Order }[];
  pageInfo: Page;
}

/** Orders, newest first, with the one that a feed has brought in its place if it `belongs` there, and else without it. */
export function withOrder<Order extends { id: string; createdAt: string }, Page>(
  orders: Orders<Order, Page>,
  { cursor, order }: { cursor: string; order: NoInfer<Order> },
  belongs: boolean,
) {
  const edge = { __typename: 'OrderEdge', cursor, node: order };
  return { ...orders, edges: [...withEdge(orders.edges, edge, belongs)] };
}
