import { type FragmentType, graphql, unmask } from '../gql';
import { money, plural } from '../lib/format';
import { labelOf, type Period } from '../lib/periods';
import { Bars } from './Bars';
import { Empty } from './states';

export const SalesParts = graphql(`
  fragment SalesParts on SalesReport {
    orders
    total {
      amount
      currency
    }
    averageOrder {
      amount
      currency
    }
    buckets {
      start
      orders
      total {
        amount
        currency
      }
    }
    topProducts(first: 5) {
      quantity
      total {
        amount
        currency
      }
      product {
        id
        name
      }
    }
    byCategory {
      category {
        id
        name
      }
      total {
        amount
        currency
      }
    }
  }
`);

/** What was sold in a period. */
export function SalesView({ report, period }: { report: FragmentType<typeof SalesParts>; period: Period }) {
  const { orders, total, averageOrder, buckets, topProducts, byCategory } = unmask(SalesParts, report);
  if (orders === 0) return <Empty>Nothing was sold in this time.</Empty>;
  return (
    <div data-testid="sales">
      <p className="big">{money(total)}</p>
      <p>
        {plural(orders, 'order')}, {money(averageOrder)} on average
      </p>
      <Bars
        caption={period.interval === 'HOUR' ? 'By hour (UTC)' : 'By day (UTC)'}
        bars={buckets.map(({ start, total: sold }) => ({
          key: start,
          label: labelOf(start, period.interval),
          value: Number(sold.amount),
          text: money(sold),
        }))}
      />
      <div className="columns">
        {/* No headings: desks have this at different levels. */}
        <section aria-labelledby="top">
          <p id="top">
            <strong>Best selling</strong>
          </p>
          <ol>
            {topProducts.map(({ product, quantity, total: sold }) => (
              <li key={product.id}>
                {product.name}: {quantity} for {money(sold)}
              </li>
            ))}
          </ol>
        </section>
        <section aria-labelledby="categories">
          <p id="categories">
            <strong>By category</strong>
          </p>
          <ol>
            {byCategory.map(({ category, total: sold }) => (
              <li key={category.id}>
                {category.name}: {money(sold)}
              </li>
            ))}
          </ol>
        </section>
      </div>
    </div>
  );
}
