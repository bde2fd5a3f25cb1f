import { useApolloClient } from '@apollo/client/react';
import { Link } from 'react-router';
import { useFeed, useLoad } from '../../api/hooks';
import { graphql, unmask } from '../../gql';
import type { MyOrdersQuery } from '../../gql/graphql';
import { dateTime, money, plural } from '../../lib/format';
import { OrderLine } from '../../order/line';
import { withOrder } from '../../order/list';
import { Status } from '../../order/Status';
import { NO_PAGE, reload } from '../../ui/reload';
import { Empty, Loaded, More, Stopped } from '../../ui/states';

const ORDERS = graphql(`
  query MyOrders($first: Int = 25, $after: String) {
    viewer {
      orders(first: $first, after: $after) {
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
  subscription MyOrderUpdates($after: EventCursor) {
    myOrderUpdates(after: $after) {
      __typename
      ... on OrderSnapshot {
        cursor
        order {
          ...OrderLine
          id
          version
          createdAt
        }
      }
      ... on OrderChanged {
        cursor
        order {
          ...OrderLine
          id
          version
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

const pageOf = ({ viewer }: MyOrdersQuery) => viewer?.orders ?? NO_PAGE;

export function MyOrders() {
  const { cache } = useApolloClient();
  const query = useLoad(ORDERS, {});
  const feed = useFeed(
    FEED,
    {},
    {
      // It begins with what is not finished: what has ended since the list was answered is not among that.
      onBegin: () => void reload(query, pageOf),
      onItem: ({ myOrderUpdates: item }, isOld) => {
        if (isOld || (item.__typename !== 'OrderChanged' && item.__typename !== 'OrderSnapshot')) return;
        cache.updateQuery(
          { query: ORDERS },
          (data) =>
            data?.viewer && {
              viewer: { ...data.viewer, orders: withOrder(data.viewer.orders, item, true) },
            },
        );
      },
    },
  );
  return (
    <>
      <h1>Orders</h1>
      <Stopped feed={feed} />
      <Loaded query={query} what="your orders">
        {({ viewer }) => {
          if (!viewer || viewer.orders.edges.length === 0)
            return <Empty>You have ordered nothing yet.</Empty>;
          return (
            <>
              <ul className="rows">
                {viewer.orders.edges.map(({ node }) => {
                  const { id, number, status, total, items, seller, createdAt } = unmask(OrderLine, node);
                  return (
                    <li key={id} className="card">
                      <Link to={`/orders/${id}`}>{number}</Link> <Status status={status} />
                      <p>
                        {plural(items.length, 'product')} from {seller.storeName}, {money(total)}
                      </p>
                      <small>{dateTime(createdAt)}</small>
                    </li>
                  );
                })}
              </ul>
              <More
                page={viewer.orders.pageInfo}
                isBusy={query.loading}
                onMore={(after) => query.fetchMore({ variables: { after } })}
              />
            </>
          );
        }}
      </Loaded>
    </>
  );
}
