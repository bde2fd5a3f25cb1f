import { useFeed, useLoad } from '../../api/hooks';
import { graphql, unmask } from '../../gql';
import { duration, money, words } from '../../lib/format';
import { Bars } from '../../ui/Bars';
import { Loaded, Stopped } from '../../ui/states';

const StatsParts = graphql(`
  fragment StatsParts on LiveStats {
    at
    ordersToday
    revenueToday {
      amount
      currency
    }
    activePartners
    busyPartners
    unassignedOrders
    oldestUnassignedSeconds
    medianDeliverySeconds
    p95DeliverySeconds
    ordersByStatus {
      status
      count
    }
  }
`);

const STATS = graphql(`
  query Stats {
    admin {
      liveStats {
        ...StatsParts
      }
    }
  }
`);

/** There is one set of figures in the cache, so what this brings is what the query shows. */
const LIVE_STATS = graphql(`
  subscription LiveStats {
    liveStats {
      ...StatsParts
    }
  }
`);

export function Stats() {
  const query = useLoad(STATS, {});
  const feed = useFeed(LIVE_STATS, {});
  return (
    <section aria-labelledby="figures">
      <h2 id="figures" className="unseen">
        Figures
      </h2>
      <Stopped feed={feed} />
      <Loaded query={query} what="figures">
        {({ admin: { liveStats } }) => {
          const stats = unmask(StatsParts, liveStats);
          return (
            <div className="columns">
              <dl className="figures" data-testid="figures">
                <Figure name="Orders today" value={String(stats.ordersToday)} />
                <Figure name="Revenue today" value={money(stats.revenueToday)} />
                <Figure
                  name="Partners"
                  value={`${stats.busyPartners} busy, ${stats.activePartners} online`}
                />
                <Figure name="Waiting for a partner" value={String(stats.unassignedOrders)} />
                <Figure name="Longest wait" value={orDash(stats.oldestUnassignedSeconds)} />
                <Figure
                  name="Delivered in"
                  value={`${orDash(stats.medianDeliverySeconds)} (p95 ${orDash(stats.p95DeliverySeconds)})`}
                />
              </dl>
              <div className="card">
                <Bars
                  caption="Orders by status"
                  step={74}
                  bars={stats.ordersByStatus.map(({ status, count }) => ({
                    key: status,
                    label: words(status),
                    value: count,
                    text: `${words(status)}: ${count}`,
                  }))}
                />
              </div>
            </div>
          );
        }}
      </Loaded>
    </section>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div className="card">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function orDash(seconds: number | null): string {
  return seconds === null ? '—' : duration(seconds);
}
