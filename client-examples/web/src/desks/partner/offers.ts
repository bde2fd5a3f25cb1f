import { graphql } from '../../gql';
import type { OfferFragment } from '../../gql/graphql';

export const Offer = graphql(`
  fragment Offer on AvailableOrder {
    orderId
    number
    storeName
    distanceKm
    pickupDistanceKm
    itemCount
    payout {
      amount
      currency
    }
    readyAt
  }
`);

export const OFFERS = graphql(`
  subscription Offers($near: GeoPointInput, $radiusKm: Float, $after: EventCursor) {
    availableOrders(near: $near, radiusKm: $radiusKm, after: $after) {
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
        order {
          ...Offer
        }
      }
      ... on OrderUnavailable {
        cursor
        orderId
        gone: reason
      }
      ... on StreamReset {
        cursor
      }
    }
  }
`);

export type OfferChange =
  | { kind: 'all'; offers: readonly OfferFragment[] }
  | { kind: 'more'; offer: OfferFragment }
  | { kind: 'gone'; orderId: string }
  | { kind: 'reset' };

/** As many as a snapshot has; what waits longest is on top, and what is below that many will come up. */
const SHOWN = 100;

/** The offers after a change, waiting longest first. A change that was seen before changes nothing. */
export function changed(offers: readonly OfferFragment[], change: OfferChange): readonly OfferFragment[] {
  switch (change.kind) {
    case 'all':
      return change.offers;
    case 'reset':
      return [];
    case 'gone':
      return offers.filter(({ orderId }) => orderId !== change.orderId);
    case 'more': {
      const others = offers.filter(({ orderId }) => orderId !== change.offer.orderId);
      const at = others.findIndex(({ readyAt }) => readyAt > change.offer.readyAt);
      return (at === -1 ? [...others, change.offer] : others.toSpliced(at, 0, change.offer)).slice(0, SHOWN);
    }
  }
}
