import { describe, expect, it } from 'vitest';
import type { OfferFragment } from '../../gql/graphql';
import { changed, type OfferChange } from './offers';

function offer(orderId: string, readyAt: string): OfferFragment {
  return {
    orderId,
    number: `QC-${orderId}`,
    storeName: 'Fresh',
    distanceKm: 1,
    pickupDistanceKm: null,
    itemCount: 1,
    payout: { amount: '28.00', currency: 'INR' },
    readyAt,
  };
}

function idsAfter(changes: OfferChange[]): string[] {
  return changes.reduce(changed, [] as readonly OfferFragment[]).map(({ orderId }) => orderId);
}

describe('the offers', () => {
  const all: OfferChange = { kind: 'all', offers: [offer('a', '12:01'), offer('c', '12:03')] };

  it('begin with those of the snapshot', () => {
    expect(idsAfter([all])).toEqual(['a', 'c']);
  });

  it('take a new one where its waiting puts it', () => {
    expect(idsAfter([all, { kind: 'more', offer: offer('b', '12:02') }])).toEqual(['a', 'b', 'c']);
    expect(idsAfter([all, { kind: 'more', offer: offer('d', '12:04') }])).toEqual(['a', 'c', 'd']);
  });

  it('have nothing twice', () => {
    expect(idsAfter([all, { kind: 'more', offer: offer('c', '12:03') }])).toEqual(['a', 'c']);
  });

  it('let go what somebody else took, also when it was never there', () => {
    expect(idsAfter([all, { kind: 'gone', orderId: 'a' }, { kind: 'gone', orderId: 'x' }])).toEqual(['c']);
  });

  it('begin anew after a reset', () => {
    expect(idsAfter([all, { kind: 'reset' }])).toEqual([]);
  });

  it('are no more than a hundred', () => {
    const many = Array.from(
      { length: 120 },
      (_, index): OfferChange => ({ kind: 'more', offer: offer(String(index), '12:00') }),
    );
    expect(idsAfter(many)).toHaveLength(100);
  });
});
