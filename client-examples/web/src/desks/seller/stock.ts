import { graphql } from '../../gql';

export const StockRow = graphql(`
  fragment StockRow on Product {
    id
    sku
    name
    active
    available
    price {
      amount
      currency
    }
    stock {
      onHand
      reserved
      lowStockThreshold
      isLow
    }
  }
`);

export const LOW_STOCK = graphql(`
  query LowStock($first: Int = 25, $after: String) {
    seller {
      lowStock(first: $first, after: $after) {
        edges {
          cursor
          node {
            ...StockRow
            id
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

/** It tells of the moment a stock falls, and of nothing before: what is low already is in the query. */
export const LOW_STOCK_ALERTS = graphql(`
  subscription LowStockAlerts {
    lowStockAlerts {
      ...StockRow
      id
    }
  }
`);

export const STOCK = graphql(`
  query Stock($search: String, $after: String) {
    seller {
      products(search: $search, filter: { activeOnly: false }, sort: NAME, first: 25, after: $after) {
        edges {
          cursor
          node {
            ...StockRow
            id
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

export const STOCK_UPDATES = graphql(`
  subscription StockUpdates($productIds: [ID!]!) {
    productUpdates(productIds: $productIds) {
      ...StockRow
      id
    }
  }
`);

export const ADJUST = graphql(`
  mutation AdjustStock($input: AdjustStockInput!) {
    result: adjustStock(input: $input) {
      product {
        ...StockRow
        id
      }
      userErrors {
        ...Problem
      }
    }
  }
`);
