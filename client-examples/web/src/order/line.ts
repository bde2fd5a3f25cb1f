import { graphql } from '../gql';

/** What rows of orders show, on every desk. Feeds ask for the same, so that a row is whole whichever way it came. */
export const OrderLine = graphql(`
  fragment OrderLine on Order {
    id
    number
    version
    status
    paymentStatus
    createdAt
    total {
      amount
      currency
    }
    items {
      id
      name
      quantity
    }
    seller {
      id
      storeName
    }
    customer {
      id
      name
    }
    partner {
      id
      name
    }
    viewerActions
  }
`);
