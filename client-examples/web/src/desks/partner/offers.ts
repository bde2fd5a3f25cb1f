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
  | { kind: 'all'; offers: readonly OfferFragment[]; hasMore: boolean }
  | { kind: 'new'; offer: OfferFragment }
  | { kind: 'gone'; orderId: string }
  | { kind: 'reset' };

export interface Offers {
  /** Waiting longest first. */
  offers: readonly OfferFragment[];
  /** Whether there are others, which are not here. */
  hasMore: boolean;
}

export const NO_OFFERS: Offers = { offers: [], hasMore: false };

/** As many as a snapshot has. */
const SHOWN = 100;

/** From how few on the others are wanted, too. */
const FEW = 20;

/** The offers after a change. A change that was seen before changes nothing. */
export function changed({ offers, hasMore }: Offers, change: OfferChange): Offers {
  switch (change.kind) {
    case 'all':
      return { offers: change.offers, hasMore: change.hasMore };
    case 'reset':
      return NO_OFFERS;
    case 'gone':
      return { offers: offers.filter(({ orderId }) => orderId !== change.orderId), hasMore };
    case 'new': {
      const others = offers.filter(({ orderId }) => orderId !== change.offer.orderId);
      const at = others.findIndex(({ readyAt }) => readyAt > change.offer.readyAt);
      const all = at === -1 ? [...others, change.offer] : others.toSpliced(at, 0, change.offer);
      return { offers: all.slice(0, SHOWN), hasMore: hasMore || all.length > SHOWN };
    }
  }
}

/** Whether a new snapshot is due: nobody tells of those that were there all along and were not among the first. */
export function runsOut({ offers, hasMore }: Offers): boolean {
  return hasMore && offers.length < FEW;
}
