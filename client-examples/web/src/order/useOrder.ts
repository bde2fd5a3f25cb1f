import { useApolloClient } from '@apollo/client/react';
import { useFeed, useLoad } from '../api/hooks';
import type { OrderPageQuery } from '../gql/graphql';
import { reload } from '../ui/reload';
import { ORDER, ORDER_UPDATES } from './detail';

const NONE = { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };
const pageOf = ({ order }: OrderPageQuery) => order?.timeline ?? NONE;

/** An order that stays as it is on the server, and its timeline. */
export function useOrder(orderId: string) {
  const { cache } = useApolloClient();
  const query = useLoad(ORDER, { orderId });
  const feed = useFeed(
    ORDER_UPDATES,
    { orderId },
    {
      onItem: ({ orderUpdates: item }) => {
        if (item.__typename === 'StreamReset') void reload(query, pageOf);
        if (item.__typename !== 'OrderChanged') return;
        // The order itself is in the cache by now; what happened to it goes to the end of its timeline, once,
        // unless that end is yet to be loaded.
        cache.updateQuery({ query: ORDER, variables: { orderId } }, (data) => {
          const order = data?.order;
          if (!order || order.timeline.pageInfo.hasNextPage) return undefined;
          if (order.timeline.edges.some(({ node }) => node.id === item.event.id)) return undefined;
          const edge = { __typename: 'OrderEventEdge' as const, cursor: item.cursor, node: item.event };
          return {
            order: { ...order, timeline: { ...order.timeline, edges: [...order.timeline.edges, edge] } },
          };
        });
      },
    },
  );
  return { query, feed };
}
