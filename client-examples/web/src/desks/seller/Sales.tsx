import { useState } from 'react';
import { useFeed, useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import { CHANGE_SALES, lastDays, PERIODS } from '../../lib/periods';
import { PeriodPicker } from '../../ui/PeriodPicker';
import { refresh } from '../../ui/reload';
import { SalesView } from '../../ui/SalesView';
import { Loaded, Stopped } from '../../ui/states';
import { useSoon } from '../../ui/useSoon';

const SALES = graphql(`
  query SellerSales($from: DateTime!, $to: DateTime!, $interval: Interval!) {
    seller {
      sales(from: $from, to: $to, interval: $interval) {
        ...SalesParts
      }
    }
  }
`);

const CHANGES = graphql(`
  subscription SalesChanges($after: EventCursor) {
    sellerOrderUpdates(after: $after) {
      __typename
      ... on OrderSnapshot {
        cursor
      }
      ... on OrderChanged {
        cursor
        event {
          id
          type
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

export function Sales() {
  const [period, setPeriod] = useState(PERIODS[0]);
  const query = useLoad(SALES, { ...lastDays(period.days), interval: period.interval });
  const refreshSoon = useSoon(() => void refresh(query));
  const feed = useFeed(
    CHANGES,
    {},
    {
      onBegin: refreshSoon,
      onItem: ({ sellerOrderUpdates: item }) => {
        if (item.__typename === 'OrderChanged' && CHANGE_SALES.includes(item.event.type)) refreshSoon();
      },
    },
  );
  return (
    <>
      <h1>Sales</h1>
      <PeriodPicker period={period} onPick={setPeriod} />
      <Stopped feed={feed} />
      <section className="card" aria-label={period.name}>
        <Loaded query={query} what="sales">
          {({ seller: { sales } }) => <SalesView report={sales} period={period} />}
        </Loaded>
      </section>
    </>
  );
}
