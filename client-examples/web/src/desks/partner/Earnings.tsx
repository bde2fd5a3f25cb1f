import { useState } from 'react';
import { useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import { money, plural } from '../../lib/format';
import { labelOf, lastDays, PERIODS } from '../../lib/periods';
import { Bars } from '../../ui/Bars';
import { PeriodPicker } from '../../ui/PeriodPicker';
import { Empty, Loaded } from '../../ui/states';

const EARNINGS = graphql(`
  query Earnings($from: DateTime!, $to: DateTime!) {
    partner {
      earnings(from: $from, to: $to) {
        deliveries
        total {
          amount
          currency
        }
        byDay {
          date
          deliveries
          total {
            amount
            currency
          }
        }
      }
    }
  }
`);

export function Earnings() {
  const [period, setPeriod] = useState(PERIODS[0]);
  const query = useLoad(EARNINGS, lastDays(period.days));
  return (
    <>
      <h1>Earnings</h1>
      <PeriodPicker period={period} onPick={setPeriod} />
      <Loaded query={query} what="your earnings">
        {({ partner: { earnings } }) => (
          <section className="card" aria-label={period.name}>
            <p className="big" data-testid="earned">
              {money(earnings.total)}
            </p>
            <p>for {plural(earnings.deliveries, 'delivery', 'deliveries')}</p>
            {earnings.deliveries === 0 ? (
              <Empty>Nothing earned in this time.</Empty>
            ) : (
              <Bars
                caption="By day (UTC)"
                bars={earnings.byDay.map(({ date, total }) => ({
                  key: date,
                  label: labelOf(date, 'DAY'),
                  value: Number(total.amount),
                  text: money(total),
                }))}
              />
            )}
          </section>
        )}
      </Loaded>
    </>
  );
}
