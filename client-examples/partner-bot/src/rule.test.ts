import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OfferFragment } from './gql/graphql.ts';
import { best, worth, type Rule } from './rule.ts';

const here = { latitude: 0, longitude: 0 };

/** As far north of here as `pickupKm`. */
function offer(orderId: string, pickupKm: number, distanceKm: number, payout: string): OfferFragment {
  return { orderId, number: orderId, pickup: { latitude: pickupKm / 111.195, longitude: 0 }, distanceKm, payout: { amount: payout } };
}

const rule: Rule = { maxPickupKm: 3, maxDistanceKm: 5, minPayout: 20, minPayoutPerKm: 8 };

test('what is too far, too long or too badly paid is not taken', () => {
  const good = offer('good', 2, 4, '60.00');
  assert.equal(worth(rule, good, here)?.toFixed(1), '10.0');
  for (const bad of [offer('far', 3.1, 1, '90.00'), offer('long', 1, 5.5, '90.00'), offer('poor', 1, 0.5, '19.99')]) {
    assert.equal(worth(rule, bad, here), undefined, bad.orderId);
  }
  assert.equal(worth({ ...rule, minPayoutPerKm: 10.1 }, good, here), undefined, 'the way to the store counts');
});

test('of those that are good, the best paid for its way is taken', () => {
  const offers = [offer('a', 2, 4, '60.00'), offer('b', 1, 2, '45.00'), offer('c', 3.1, 1, '900.00')];
  assert.equal(best(rule, offers, here)?.orderId, 'b');
  assert.equal(best(rule, [], here), undefined);
});
