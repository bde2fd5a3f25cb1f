// The operations that a new visitor finds ready in GraphiQL, one tab each.
//
// GraphiQL names a tab after its operation and shows the headers of the tab that is open, so every
// role has its own token. `npm test` checks all of them against the server's schema.

/**
 * Headers for a tab: a place for the token, with a hint whose token it is.
 * An `Authorization` without a token is not sent (see fetcher.js), so the tab works before signing in.
 */
const authorization = (hint) => `{
  // ${hint}
  "Authorization": "Bearer "
}
`;

/** What a tab starts with that the user opens. */
export const defaultHeaders = authorization('The accessToken from SignIn goes after "Bearer ".');

const variables = (values) => `${JSON.stringify(values, null, 2)}\n`;

/** From six days ago until the end of today. */
function week() {
  const day = 24 * 3_600_000;
  const today = Math.floor(Date.now() / day) * day;
  return { from: new Date(today - 6 * day).toISOString(), to: new Date(today + day).toISOString() };
}

/**
 * A tab with one of the admins' questions, which are files in `client-examples/graphiql`. What they take is filled in: a
 * period, and what they have a default for.
 */
export function questionTab(query) {
  const period = week();
  const values = {};
  for (const [, name, otherwise] of query.matchAll(/\$(\w+): \w+!(?: = ("[^"]*"))?/g)) {
    values[name] = otherwise ? JSON.parse(otherwise) : period[name];
  }
  return {
    headers: authorization('A token of admin@demo.test, from SignIn, goes here.'),
    query,
    ...(Object.keys(values).length > 0 && { variables: variables(values) }),
  };
}

export const tabs = [
  {
    headers: defaultHeaders,
    query: `# Sign in with a demo account; the others are
# customer@demo.test and partner@demo.test. Copy the
# accessToken into Headers below, in the tab of its role:
#   {"Authorization": "Bearer <accessToken>"}
# It is used for queries and for subscriptions.
mutation SignIn {
  login(
    input: {
      email: "admin@demo.test"
      password: "quick-commerce"
    }
  ) {
    tokens {
      accessToken
      accessTokenExpiresAt
      refreshToken
    }
    user {
      id
      name
      role
    }
    userErrors {
      code
      message
      field
    }
  }
}
`,
  },
  {
    headers: defaultHeaders,
    query: `# Browse the catalogue; no token needed. Search, filter
# and sort with Variables below. For the next page, put
# pageInfo.endCursor into "after".
query BrowseProducts(
  $search: String
  $filter: ProductFilter
  $sort: ProductSort
  $first: Int
  $after: String
) {
  products(
    search: $search
    filter: $filter
    sort: $sort
    first: $first
    after: $after
  ) {
    nodes {
      id
      sku
      name
      price {
        amount
        currency
      }
      available
      category {
        name
      }
      seller {
        storeName
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
`,
    variables: variables({
      search: null,
      filter: { inStock: true, maxPrice: '1000' },
      sort: 'PRICE_ASC',
      first: 10,
      after: null,
    }),
  },
  {
    headers: authorization('A token of customer@demo.test, from SignIn, goes here.'),
    query: `# Order as customer@demo.test, to be paid at the door.
# Put a product's id from BrowseProducts into Variables
# below. The same idempotencyKey again gives the same
# order, however often it is sent; a new order needs a
# new key.
mutation PlaceOrder(
  $productId: ID!
  $quantity: Int!
  $idempotencyKey: String!
) {
  placeOrder(
    input: {
      idempotencyKey: $idempotencyKey
      items: [
        { productId: $productId, quantity: $quantity }
      ]
      address: {
        label: "Home"
        line1: "12 Residency Road"
        city: "Bengaluru"
        postalCode: "560025"
        country: "IN"
        location: { latitude: 12.9719, longitude: 77.6012 }
      }
      paymentMethod: CASH_ON_DELIVERY
    }
  ) {
    order {
      id
      number
      status
      deliveryCode
      items {
        name
        quantity
        lineTotal {
          amount
        }
      }
      total {
        amount
        currency
      }
    }
    userErrors {
      code
      message
      field
      ... on InsufficientStock {
        requested
        available
      }
    }
  }
}
`,
    variables: variables({
      productId: 'prd_',
      quantity: 1,
      idempotencyKey: 'graphiql-order-1',
    }),
  },
  {
    headers: authorization('A token of partner@demo.test, from SignIn, goes here.'),
    query: `# As partner@demo.test: see what can be claimed, go
# online, put an orderId into Variables below and claim
# it. The run button asks which of the three to run. Of
# all partners who claim an order, one wins and the
# others get ClaimLost.
query PartnerDesk {
  partner {
    availableOrders(first: 10) {
      nodes {
        orderId
        number
        storeName
        distanceKm
        itemCount
        payout {
          amount
          currency
        }
        readyAt
      }
      totalCount {
        value
        precision
      }
    }
  }
}

mutation GoOnline {
  setAvailability(input: { available: true }) {
    user {
      partner {
        available
        capacity
        activeDeliveries
      }
    }
    userErrors {
      code
      message
    }
  }
}

mutation ClaimOrder(
  $orderId: ID!
  $idempotencyKey: String!
) {
  claimOrder(
    input: {
      orderId: $orderId
      idempotencyKey: $idempotencyKey
    }
  ) {
    claim {
      id
      status
      expiresAt
    }
    order {
      id
      number
      status
      version
    }
    userErrors {
      code
      message
      ... on ClaimLost {
        reason
        retryAfter
      }
    }
  }
}
`,
    variables: variables({
      orderId: 'ord_',
      idempotencyKey: 'graphiql-claim-1',
    }),
  },
  {
    headers: authorization('A token of partner@demo.test, from SignIn, goes here.'),
    query: `# Live, as partner@demo.test: first what can be claimed
# now, then each order as it becomes available or is
# gone. To go on from where you stopped, put the last
# cursor into Variables below: {"after": "<cursor>"}
subscription WatchAvailableOrders($after: EventCursor) {
  availableOrders(after: $after) {
    __typename
    ... on AvailableOrdersSnapshot {
      cursor
      orders {
        ...Offer
      }
      more
    }
    ... on OrderAvailable {
      cursor
      at
      order {
        ...Offer
      }
    }
    ... on OrderUnavailable {
      cursor
      at
      orderId
      unavailableReason: reason
    }
    ... on StreamReset {
      cursor
      resetReason: reason
    }
  }
}

fragment Offer on AvailableOrder {
  orderId
  number
  storeName
  distanceKm
  itemCount
  payout {
    amount
    currency
  }
}
`,
  },
  {
    headers: authorization('A token of admin@demo.test, from SignIn, goes here.'),
    query: `# Live, as admin@demo.test: the platform's numbers now,
# then every change of every order and partner. Run it,
# and place and claim an order in a second window.
subscription AdminUpdates($after: EventCursor) {
  adminUpdates(after: $after) {
    __typename
    ... on AdminSnapshot {
      cursor
      stats {
        ordersByStatus {
          status
          count
        }
        ordersToday
        revenueToday {
          amount
          currency
        }
        activePartners
        unassignedOrders
      }
    }
    ... on OrderChanged {
      cursor
      event {
        type
        from
        status
        actorRole
        at
      }
      order {
        number
        version
        customer {
          name
        }
        partner {
          name
        }
        total {
          amount
          currency
        }
      }
    }
    ... on PartnerChanged {
      cursor
      partner {
        name
        partner {
          available
          activeDeliveries
        }
      }
    }
    ... on StreamReset {
      cursor
      reason
    }
  }
}
`,
  },
];
