import { describe, expect, it } from 'vitest';
import type { OfferFragment } from '../../gql/graphql';
import { changed, NO_OFFERS, type OfferChange, runsOut } from './offers';

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

function resultOf(changes: readonly OfferChange[]) {
  return changes.reduce(changed, NO_OFFERS);
}

function several(count: number): OfferFragment[] {
  return Array.from({ length: count }, (_, index) => offer(String(index), '12:00'));
}

function idsAfter(changes: OfferChange[]): string[] {
  return resultOf(changes).offers.map(({ orderId }) => orderId);
}

describe('the offers', () => {
  const all: OfferChange = {
    kind: 'all',
    offers: [offer('a', '12:01'), offer('c', '12:03')],
    hasMore: false,
  };

  it('begin with those of the snapshot', () => {
    expect(idsAfter([all])).toEqual(['a', 'c']);
  });

  it('take a new one where its waiting puts it', () => {
    expect(idsAfter([all, { kind: 'new', offer: offer('b', '12:02') }])).toEqual(['a', 'b', 'c']);
    expect(idsAfter([all, { kind: 'new', offer: offer('d', '12:04') }])).toEqual(['a', 'c', 'd']);
  });

  it('have nothing twice', () => {
    expect(idsAfter([all, { kind: 'new', offer: offer('c', '12:03') }])).toEqual(['a', 'c']);
  });

  it('let go what somebody else took, also when it was never there', () => {
    expect(idsAfter([all, { kind: 'gone', orderId: 'a' }, { kind: 'gone', orderId: 'x' }])).toEqual(['c']);
  });

  it('begin anew after a reset', () => {
    expect(idsAfter([all, { kind: 'reset' }])).toEqual([]);
  });

  it('are no more than a hundred', () => {
    const { offers, hasMore } = resultOf(several(120).map((one) => ({ kind: 'new', offer: one })));
    expect(offers).toHaveLength(100);
    expect(hasMore).toBe(true);
  });

  it('run out when few are left of a snapshot that had more below', () => {
    const gone = several(81).map(({ orderId }): OfferChange => ({ kind: 'gone', orderId }));
    const snapshot = (hasMore: boolean): OfferChange => ({ kind: 'all', offers: several(100), hasMore });
    expect(runsOut(resultOf([snapshot(true), ...gone.slice(1)]))).toBe(false);
    expect(runsOut(resultOf([snapshot(true), ...gone]))).toBe(true);
    expect(runsOut(resultOf([snapshot(false), ...gone]))).toBe(false);
    expect(runsOut(resultOf([snapshot(true), ...gone, snapshot(true)]))).toBe(false);
    expect(runsOut(resultOf([snapshot(true), { kind: 'reset' }]))).toBe(false);
  });
});
