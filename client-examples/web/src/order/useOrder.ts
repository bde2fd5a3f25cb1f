import { useApolloClient } from '@apollo/client/react';
import { useFeed, useLoad } from '../api/hooks';
import { unmask } from '../gql';
import type { OrderPageQuery } from '../gql/graphql';
import { NO_PAGE, reload } from '../ui/reload';
import { ORDER, ORDER_UPDATES } from './detail';
import { TimelineEntry } from './Timeline';

const pageOf = ({ order }: OrderPageQuery) => order?.timeline ?? NO_PAGE;

/** An order that stays as it is on the server, and its timeline. */
export function useOrder(orderId: string) {
  const { cache } = useApolloClient();
  const query = useLoad(ORDER, { orderId });
  /** Whether the timeline that is shown lacks what made the order this `version`, though it seems to be all of it. */
  const isBehind = (version: number) => {
    // An answer that is on its way is asked for again if it is older than what the feed has brought.
    if (query.observable.getCurrentResult().loading) return false;
    const timeline = cache.readQuery({ query: ORDER, variables: { orderId } })?.order?.timeline;
    if (!timeline || timeline.pageInfo.hasNextPage) return false;
    const last = unmask(TimelineEntry, timeline.edges.at(-1)?.node);
    return !last || last.orderVersion < version;
  };
  const feed = useFeed(
    ORDER_UPDATES,
    { orderId },
    {
      onItem: ({ orderUpdates: item }) => {
        if (item.__typename === 'StreamReset') void reload(query, pageOf);
        // What happened between the answer and the feed's begin is in neither.
        if (item.__typename === 'OrderSnapshot' && isBehind(item.order.version)) void reload(query, pageOf);
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
