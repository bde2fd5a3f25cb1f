import { useState } from 'react';
import { useFeed, useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import { CHANGE_SALES, lastDays, PERIODS } from '../../lib/periods';
import { PeriodPicker } from '../../ui/PeriodPicker';
import { refresh } from '../../ui/reload';
import { SalesView } from '../../ui/SalesView';
import { Loaded, Stopped } from '../../ui/states';
import { useSoon } from '../../ui/useSoon';
import { ADMIN_UPDATES } from './updates';

const SALES = graphql(`
  query AdminSales($from: DateTime!, $to: DateTime!, $interval: Interval!) {
    admin {
      sales(from: $from, to: $to, interval: $interval) {
        ...SalesParts
      }
    }
  }
`);

export function Charts() {
  const [period, setPeriod] = useState(PERIODS[0]);
  const query = useLoad(SALES, { ...lastDays(period.days), interval: period.interval });
  const refreshSoon = useSoon(() => void refresh(query));
  const feed = useFeed(
    ADMIN_UPDATES,
    {},
    {
      onBegin: refreshSoon,
      onItem: ({ adminUpdates: item }) => {
        if (item.__typename === 'OrderChanged' && CHANGE_SALES.includes(item.event.type)) refreshSoon();
      },
    },
  );
  return (
    <section className="card" aria-labelledby="sales">
      <h2 id="sales">Sales</h2>
      <PeriodPicker period={period} onPick={setPeriod} />
      <Stopped feed={feed} />
      <Loaded query={query} what="sales">
        {({ admin: { sales } }) => <SalesView report={sales} period={period} />}
      </Loaded>
    </section>
  );
}
