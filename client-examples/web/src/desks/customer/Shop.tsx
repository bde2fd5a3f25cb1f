import { useState } from 'react';
import { shownOf, useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import type { ProductSort } from '../../gql/graphql';
import { Field } from '../../ui/Field';
import { Follow } from '../../ui/Follow';
import { Empty, Failure, Loaded, More } from '../../ui/states';
import { usePause } from '../../ui/usePause';
import { ProductCard } from './ProductCard';

const CATEGORIES = graphql(`
  query Categories {
    categories {
      id
      name
    }
  }
`);

const PRODUCTS = graphql(`
  query Products($search: String, $filter: ProductFilter, $sort: ProductSort, $after: String) {
    products(search: $search, filter: $filter, sort: $sort, first: 24, after: $after) {
      edges {
        cursor
        node {
          id
          ...ProductCard
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      totalCount {
        value
        precision
      }
    }
  }
`);

const PRODUCT_UPDATES = graphql(`
  subscription ProductUpdates($productIds: [ID!]!) {
    productUpdates(productIds: $productIds) {
      id
      ...ProductCard
    }
  }
`);

const SORTS: readonly { sort: ProductSort; label: string }[] = [
  { sort: 'BEST_SELLING', label: 'Best selling' },
  { sort: 'PRICE_ASC', label: 'Cheapest first' },
  { sort: 'PRICE_DESC', label: 'Dearest first' },
  { sort: 'NAME', label: 'By name' },
];

export function Shop() {
  const [text, setText] = useState('');
  const [categoryId, setCategory] = useState('');
  const [inStock, setInStock] = useState(false);
  const [sort, setSort] = useState<ProductSort>('BEST_SELLING');
  const search = usePause(text.trim());

  const categories = useLoad(CATEGORIES, {});
  const filter = { ...(categoryId && { categoryId }), ...(inStock && { inStock }) };
  const query = useLoad(PRODUCTS, {
    filter,
    ...(search ? { search, sort: 'RELEVANCE' as const } : { sort }),
  });
  const shown = shownOf(query);
  const productIds = shown?.products.edges.map(({ node }) => node.id) ?? [];

  return (
    <>
      <h1>Shop</h1>
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
        <Field label="Category">
          {(id) => (
            <select id={id} value={categoryId} onChange={(event) => setCategory(event.target.value)}>
              <option value="">All</option>
              {categories.data?.categories.map(({ id: category, name }) => (
                <option key={category} value={category}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Sort">
          {(id) => (
            <select
              id={id}
              value={search ? '' : sort}
              disabled={search !== ''}
              onChange={(event) => setSort(event.target.value as ProductSort)}
            >
              {search && <option value="">Best match</option>}
              {SORTS.map(({ sort: value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
        <label className="check">
          <input type="checkbox" checked={inStock} onChange={(event) => setInStock(event.target.checked)} />{' '}
          In stock only
        </label>
      </search>
      {/* When nothing can be had, the list says so already. */}
      {categories.error && !categories.data && !query.error && (
        <Failure error={categories.error} onRetry={() => void categories.refetch().catch(() => {})} />
      )}
      <Follow document={PRODUCT_UPDATES} productIds={productIds} />
      <Loaded query={{ ...query, data: shown }} what="products">
        {({ products: { edges, pageInfo, totalCount } }) => (
          <>
            <p role="status" className="count">
              {totalCount.precision === 'AT_LEAST' && 'At least '}
              {totalCount.value} found
            </p>
            {edges.length === 0 && (
              <Empty>Nothing here is called that. Try other words, or all categories.</Empty>
            )}
            <ul className="products" aria-busy={query.loading}>
              {edges.map(({ node }) => (
                <ProductCard key={node.id} product={node} />
              ))}
            </ul>
            <More
              page={pageInfo}
              isBusy={query.loading}
              onMore={(after) => query.fetchMore({ variables: { after } })}
            />
          </>
        )}
      </Loaded>
    </>
  );
}
