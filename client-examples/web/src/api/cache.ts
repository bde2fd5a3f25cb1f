import { InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import possible from '../gql/possible-types';

/** What a subscription brought last takes the place of what it brought before: what is kept are the things in it. */
const FEEDS = [
  'adminUpdates',
  'availableOrders',
  'cartUpdates',
  'chatMessages',
  'deliveryTracking',
  'liveStats',
  'lowStockAlerts',
  'myOrderUpdates',
  'notifications',
  'orderUpdates',
  'productUpdates',
  'sellerOrderUpdates',
];

/** Everything by its id, once; pages of a list as one list. */
export function makeCache(): InMemoryCache {
  return new InMemoryCache({
    possibleTypes: possible.possibleTypes,
    typePolicies: {
      Query: {
        fields: { products: relayStylePagination(['filter', 'sort', 'search']) },
      },
      Subscription: { fields: Object.fromEntries(FEEDS.map((feed) => [feed, { merge: false }])) },
      // There is one of each: whoever is signed in, and their desks.
      Viewer: {
        keyFields: [],
        fields: {
          orders: relayStylePagination(['filter']),
          notifications: relayStylePagination(['unreadOnly']),
        },
      },
      PartnerDesk: {
        keyFields: [],
        fields: { deliveries: relayStylePagination(['filter']), claims: relayStylePagination(['filter']) },
      },
      SellerDesk: {
        keyFields: [],
        fields: {
          orders: relayStylePagination(['filter', 'sort']),
          products: relayStylePagination(['filter', 'sort', 'search']),
          lowStock: relayStylePagination(),
        },
      },
      AdminDesk: {
        keyFields: [],
        fields: {
          orders: relayStylePagination(['filter', 'sort']),
          users: relayStylePagination(['role', 'search']),
          partners: relayStylePagination(['available']),
          auditLog: relayStylePagination(['actorId']),
          partnerPerformance: relayStylePagination(['from', 'to']),
        },
      },
      Cart: { fields: { lines: { merge: false }, problems: { merge: false } } },
      // The subscription and the desk tell of the same figures.
      LiveStats: { keyFields: [] },
      Order: { fields: { timeline: relayStylePagination(), messages: relayStylePagination() } },
      PartnerProfile: { merge: true },
      ProductStock: { merge: true },
      DeliveryTracking: { keyFields: false },
    },
  });
}
