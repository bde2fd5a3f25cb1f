import type { OfferFragment } from './gql/graphql.ts';
import { distanceKm, type Point } from './map.ts';

/** What makes an order worth its ride. */
export interface Rule {
  /** The furthest that the store may be, in kilometres from where the bot is. */
  maxPickupKm: number;
  /** The furthest from store to door, in kilometres. */
  maxDistanceKm: number;
  /** The least that a delivery pays, in the server's currency. */
  minPayout: number;
  /** The least that it pays for each kilometre of the whole way, the one to the store included. */
  minPayoutPerKm: number;
}

/** What an offer pays for each kilometre of the way from `here`; undefined when the rule is against it. */
export function worth(rule: Rule, offer: OfferFragment, here: Point): number | undefined {
  const pickupKm = distanceKm(here, offer.pickup);
  // a decimal; good enough to compare, and never to be paid by
  const payout = Number(offer.payout.amount);
  const perKm = payout / Math.max(pickupKm + offer.distanceKm, 0.1);
  const isGood =
    pickupKm <= rule.maxPickupKm &&
    offer.distanceKm <= rule.maxDistanceKm &&
    payout >= rule.minPayout &&
    perKm >= rule.minPayoutPerKm;
  return isGood ? perKm : undefined;
}

/** The offer that pays best for its way, of those that the rule is for. */
export function best(rule: Rule, offers: Iterable<OfferFragment>, here: Point): OfferFragment | undefined {
  let choice: { offer: OfferFragment; perKm: number } | undefined;
  for (const offer of offers) {
    const perKm = worth(rule, offer, here);
    if (perKm !== undefined && perKm > (choice?.perKm ?? -1)) choice = { offer, perKm };
  }
  return choice?.offer;
}
