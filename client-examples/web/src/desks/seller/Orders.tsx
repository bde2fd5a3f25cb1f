import { useApolloClient } from '@apollo/client/react';
import { useState } from 'react';
import { useFeed, useLoad } from '../../api/hooks';
import { graphql, unmask } from '../../gql';
import type { SellerOrdersQuery } from '../../gql/graphql';
import { filterOf, GROUPS, isIn } from '../../order/filter';
import { GroupPicker } from '../../order/GroupPicker';
import { OrderLine } from '../../order/line';
import { mend, withOrder } from '../../order/list';
import { OrderTable } from '../../order/OrderTable';
import { reload } from '../../ui/reload';
import { Empty, Loaded, More, Stopped } from '../../ui/states';
import { Preparation } from './Preparation';

const ORDERS = graphql(`
  query SellerOrders($filter: OrderFilter, $first: Int = 25, $after: String) {
    seller {
      orders(filter: $filter, first: $first, after: $after) {
        edges {
          cursor
          node {
            ...OrderLine
            id
            version
            createdAt
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

const FEED = graphql(`
  subscription SellerOrderUpdates($after: EventCursor) {
    sellerOrderUpdates(after: $after) {
      __typename
      ... on OrderSnapshot {
        cursor
        order {
          ...OrderLine
          id
          version
          status
          createdAt
        }
      }
      ... on OrderChanged {
        cursor
        order {
          ...OrderLine
          id
          version
          status
          createdAt
        }
      }
      ... on StreamPosition {
        cursor
      }
      ... on StreamReset {
        cursor
      }
    }
  }
`);

const pageOf = ({ seller }: SellerOrdersQuery) => seller.orders;

export function Orders() {
  const { cache } = useApolloClient();
  const [group, setGroup] = useState(GROUPS[0]);
  const variables = { filter: filterOf(group) };
  const query = useLoad(ORDERS, variables);
  const feed = useFeed(
    FEED,
    {},
    {
      // It begins with what is not finished: what has ended since the list was answered is not among that.
      onBegin: () => void reload(query, pageOf),
      onItem: ({ sellerOrderUpdates: item }, isOld) => {
        if (isOld || (item.__typename !== 'OrderChanged' && item.__typename !== 'OrderSnapshot')) return;
        const belongs = isIn(group, item.order.status);
        const list = { query: ORDERS, variables };
        const before = cache.readQuery(list);
        const after = cache.updateQuery(
          list,
          (data) =>
            data && { seller: { ...data.seller, orders: withOrder(data.seller.orders, item, belongs) } },
        );
        // What it begins with is no news, and asked for by `onBegin`.
        if (item.__typename === 'OrderChanged') mend(query, pageOf, { before, after, belongs });
      },
    },
  );
  return (
    <>
      <h1>Orders</h1>
      <div className="filters">
        <GroupPicker group={group} onPick={setGroup} />
        <Preparation />
      </div>
      <Stopped feed={feed} />
      <Loaded query={query} what="orders">
        {({ seller: { orders } }) =>
          orders.edges.length === 0 ? (
            <Empty>No orders here. New ones appear by themselves.</Empty>
          ) : (
            <>
              <OrderTable caption="Orders" orders={orders.edges.map(({ node }) => unmask(OrderLine, node))} />
              <More
                page={orders.pageInfo}
                isBusy={query.loading}
                onMore={(after) => query.fetchMore({ variables: { after } })}
              />
            </>
          )
        }
      </Loaded>
    </>
  );
}
