import { useState } from 'react';
import { shownOf, useLoad, useReturn } from '../../api/hooks';
import { unmask } from '../../gql';
import { Field } from '../../ui/Field';
import { Follow } from '../../ui/Follow';
import { reload } from '../../ui/reload';
import { Empty, Loaded, More } from '../../ui/states';
import { usePause } from '../../ui/usePause';
import { StockTable } from './StockTable';
import { LOW_STOCK, STOCK, STOCK_UPDATES, StockRow } from './stock';

export function Stock() {
  const [text, setText] = useState('');
  const search = usePause(text.trim());
  const query = useLoad(STOCK, search ? { search } : {});
  const low = useLoad(LOW_STOCK, {});
  const shown = shownOf(query);
  const productIds = [
    ...(low.data?.seller.lowStock.edges ?? []),
    ...(shown?.seller.products.edges ?? []),
  ].map(({ node }) => node.id);
  useReturn(() => void reload(low, ({ seller }) => seller.lowStock));
  return (
    <>
      <h1>Stock</h1>
      <Follow document={STOCK_UPDATES} productIds={productIds} />
      <section className="card" aria-labelledby="low">
        <h2 id="low">Running low</h2>
        <Loaded query={low} what="what is low">
          {({ seller: { lowStock } }) =>
            lowStock.edges.length === 0 ? (
              <Empty>Nothing is low.</Empty>
            ) : (
              <>
                <StockTable
                  caption="Running low"
                  rows={lowStock.edges.map(({ node }) => unmask(StockRow, node))}
                />
                <More
                  page={lowStock.pageInfo}
                  isBusy={low.loading}
                  onMore={(after) => low.fetchMore({ variables: { after } })}
                />
              </>
            )
          }
        </Loaded>
      </section>
      <section className="card" aria-labelledby="all">
        <h2 id="all">All products</h2>
        <search className="filters">
          <Field label="Search">
            {(id) => (
              <input
                id={id}
                type="search"
                value={text}
                maxLength={200}
                onChange={(event) => setText(event.target.value)}
              />
            )}
          </Field>
        </search>
        <Loaded query={{ ...query, data: shown }} what="products">
          {({ seller: { products } }) =>
            products.edges.length === 0 ? (
              <Empty>There is no such product.</Empty>
            ) : (
              <>
                <StockTable
                  caption="All products"
                  rows={products.edges.map(({ node }) => unmask(StockRow, node))}
                />
                <More
                  page={products.pageInfo}
                  isBusy={query.loading}
                  onMore={(after) => query.fetchMore({ variables: { after } })}
                />
              </>
            )
          }
        </Loaded>
      </section>
    </>
  );
}
