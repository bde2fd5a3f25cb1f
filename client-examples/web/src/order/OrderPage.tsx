import type { ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { unmask } from '../gql';
import type { OrderDetailFragment } from '../gql/graphql';
import { Empty, Failure, Loaded, More } from '../ui/states';
import { Chat } from './Chat';
import { OrderDetail } from './detail';
import { Receipt } from './Receipt';
import { Status, Way } from './Status';
import { StepButtons } from './StepButtons';
import { Timeline } from './Timeline';
import { Tracking } from './Tracking';
import { useOrder } from './useOrder';

type Part = (order: OrderDetailFragment) => ReactNode;

/** One order, live; `first` and `last` are what a desk alone shows of it. */
export function OrderPage({ back, first, last }: { back: string; first?: Part; last?: Part }) {
  const { orderId = '' } = useParams();
  const { query, feed } = useOrder(orderId);
  return (
    <Loaded query={query} what="the order">
      {({ order: masked }) => {
        if (!masked) return <Empty>There is no such order, or it is not yours to see.</Empty>;
        const order = unmask(OrderDetail, masked);
        return (
          <article className="order">
            <p>
              <Link to={back}>← Orders</Link>
            </p>
            <h1>
              {order.number} <Status status={order.status} />
            </h1>
            <Way status={order.status} />
            {feed.error && <Failure error={feed.error} onRetry={feed.restart} />}
            <StepButtons order={order} />
            <div className="columns">
              {first?.(order)}
              <Tracking order={order} />
              {order.viewerActions.includes('MESSAGE') && <Chat order={order} />}
              <Receipt order={order} />
              {last?.(order)}
              <Timeline entries={masked.timeline.edges.map(({ node }) => node)}>
                <More
                  page={masked.timeline.pageInfo}
                  isBusy={query.loading}
                  onMore={(after) => query.fetchMore({ variables: { after } })}
                />
              </Timeline>
            </div>
          </article>
        );
      }}
    </Loaded>
  );
}
