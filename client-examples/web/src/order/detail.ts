import { graphql } from '../gql';

/** All that the page of an order shows, but for its timeline. */
export const OrderDetail = graphql(`
  fragment OrderDetail on Order {
    ...OrderLine
    id
    number
    version
    status
    viewerActions
    paymentMethod
    paymentStatus
    note
    subtotal {
      amount
      currency
    }
    discount {
      amount
      currency
    }
    promoCode
    deliveryFee {
      amount
      currency
    }
    tax {
      amount
      currency
    }
    total {
      amount
      currency
    }
    items {
      id
      name
      quantity
      lineTotal {
        amount
        currency
      }
    }
    seller {
      id
      storeName
      location {
        latitude
        longitude
      }
    }
    customer {
      id
      name
    }
    partner {
      id
      name
    }
    deliveryAddress {
      id
      label
      line1
      line2
      city
      instructions
      location {
        latitude
        longitude
      }
    }
    deliveryCode
    estimatedDeliveryAt
    payments {
      id
      provider
      status
      failureReason
      amount {
        amount
        currency
      }
    }
    rating {
      score
      comment
    }
  }
`);

export const ORDER = graphql(`
  query OrderPage($orderId: ID!, $first: Int = 50, $after: String) {
    order(id: $orderId) {
      id
      version
      ...OrderDetail
      timeline(first: $first, after: $after) {
        edges {
          cursor
          node {
            ...TimelineEntry
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

export const ORDER_UPDATES = graphql(`
  subscription OrderUpdates($orderId: ID!, $after: EventCursor) {
    orderUpdates(orderId: $orderId, after: $after) {
      __typename
      ... on OrderSnapshot {
        cursor
        order {
          id
          version
          ...OrderDetail
        }
      }
      ... on OrderChanged {
        cursor
        event {
          ...TimelineEntry
          id
        }
        order {
          id
          version
          ...OrderDetail
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
