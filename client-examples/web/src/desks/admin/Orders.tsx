import { useApolloClient } from '@apollo/client/react';
import { useState } from 'react';
import { useFeed, useLoad } from '../../api/hooks';
import { graphql, unmask } from '../../gql';
import type { AdminOrdersQuery } from '../../gql/graphql';
import { filterOf, GROUPS, isIn } from '../../order/filter';
import { GroupPicker } from '../../order/GroupPicker';
import { OrderLine } from '../../order/line';
import { mend, withOrder } from '../../order/list';
import { OrderTable } from '../../order/OrderTable';
import { Field } from '../../ui/Field';
import { reload } from '../../ui/reload';
import { Empty, Loaded, More, Stopped } from '../../ui/states';
import { usePause } from '../../ui/usePause';
import { Assign } from './Assign';
import { ADMIN_UPDATES } from './updates';

const ORDERS = graphql(`
  query AdminOrders($filter: OrderFilter, $first: Int = 25, $after: String) {
    admin {
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

const pageOf = ({ admin }: AdminOrdersQuery) => admin.orders;

export function Orders() {
  const { cache } = useApolloClient();
  const [group, setGroup] = useState(GROUPS[0]);
  const [text, setText] = useState('');
  const search = usePause(text.trim());
  const variables = { filter: { ...filterOf(group), ...(search && { search }) } };
  const query = useLoad(ORDERS, variables);
  const feed = useFeed(
    ADMIN_UPDATES,
    {},
    {
      // It begins with figures and no orders: what was placed while the list was on its way is asked for again.
      onBegin: () => void reload(query, pageOf),
      onItem: ({ adminUpdates: item }, isOld) => {
        // Whether a number begins like the search, only the server says: what is found stays up to date, and nothing is added.
        if (isOld || item.__typename !== 'OrderChanged' || search) return;
        const belongs = isIn(group, item.order.status);
        const list = { query: ORDERS, variables };
        const before = cache.readQuery(list);
        const after = cache.updateQuery(
          list,
          (data) => data && { admin: { ...data.admin, orders: withOrder(data.admin.orders, item, belongs) } },
        );
        mend(query, pageOf, { before, after, belongs });
      },
    },
  );
  return (
    <section className="card" aria-labelledby="orders">
      <h2 id="orders">Orders</h2>
      <search className="filters">
        <GroupPicker group={group} onPick={setGroup} />
        <Field label="Number">
          {(id) => (
            <input
              id={id}
              type="search"
              placeholder="QC-…"
              value={text}
              maxLength={40}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
      </search>
      <Stopped feed={feed} />
      <Loaded query={query} what="orders">
        {({ admin: { orders } }) =>
          orders.edges.length === 0 ? (
            <Empty>No orders here. New ones appear by themselves.</Empty>
          ) : (
            <>
              <OrderTable
                caption="Orders"
                orders={orders.edges.map(({ node }) => unmask(OrderLine, node))}
                extra={{
                  label: 'Give to',
                  cell: (order) => order.viewerActions.includes('ASSIGN') && <Assign order={order} />,
                }}
              />
              <More
                page={orders.pageInfo}
                isBusy={query.loading}
                onMore={(after) => query.fetchMore({ variables: { after } })}
              />
            </>
          )
        }
      </Loaded>
    </section>
  );
}
