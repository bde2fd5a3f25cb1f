import { ApolloClient, ApolloLink, execute, gql, InMemoryCache } from '@apollo/client';
import { firstValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { newest, sift, Versions } from './newest';

const order = (version: number, id = 'ord_1') => ({ __typename: 'Order', id, version });
const cart = (version: number) => ({ __typename: 'Cart', id: 'crt_1', version });

describe('the versions of orders', () => {
  it('are old only below what was seen', () => {
    const versions = new Versions();
    expect([2, 3, 3, 2, 4].map((version) => versions.isOld('ord_1', version))).toEqual([
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  it('are remembered of a limited number of orders, those looked at last', () => {
    const versions = new Versions(2);
    versions.isOld('a', 5);
    versions.isOld('b', 5);
    versions.isOld('a', 6);
    versions.isOld('c', 5);
    expect(versions.isOld('a', 5)).toBe(true);
    expect(versions.isOld('b', 1)).toBe(false);
  });
});

describe('sifting', () => {
  it('takes the old orders out of an answer, however deep, and leaves the rest', () => {
    const versions = new Versions();
    versions.isOld('ord_1', 5);
    const data = { result: { order: order(4), others: [order(4), order(1, 'ord_2')], userErrors: [] } };
    expect(sift(data, versions)).toEqual({
      old: [order(4), order(4)].map(({ id, version }) => ({ id, version })),
      data: { result: { order: null, others: [null, order(1, 'ord_2')], userErrors: [] } },
    });
  });
});

/** What comes out of the link for each answer that goes in. */
async function through(document: string, answers: object[], versions: Versions) {
  let asked = 0;
  const server = new ApolloLink(() =>
    of({ data: answers[Math.min(asked++, answers.length - 1)] as Record<string, unknown> }),
  );
  const client = new ApolloClient({ cache: new InMemoryCache(), link: server });
  const result = await firstValueFrom(
    execute(newest(versions).concat(server), { query: gql(document) }, { client }),
  );
  return { result, asked };
}

describe('the cart', () => {
  it('is as old as its version says, and what has another type is not', () => {
    const versions = new Versions();
    versions.isOld('crt_1', 5);
    const profile = { __typename: 'PartnerProfile', id: 'crt_1', version: 4 };
    expect(sift({ result: { cart: cart(4) }, profile }, versions)).toEqual({
      old: [{ id: 'crt_1', version: 4 }],
      data: { result: { cart: null }, profile },
    });
    expect(sift({ cartUpdates: cart(5) }, versions).old).toEqual([]);
  });
});

describe('the link of the newest', () => {
  const seen = () => {
    const versions = new Versions();
    versions.isOld('ord_1', 5);
    return versions;
  };

  it('asks a query again that was overtaken', async () => {
    const { result, asked } = await through(
      '{ order { id } }',
      [{ order: order(4) }, { order: order(5) }],
      seen(),
    );
    expect(result.data).toEqual({ order: order(5) });
    expect(asked).toBe(2);
  });

  it('asks no more than four times, and takes that for what is so now', async () => {
    const versions = seen();
    const { result, asked } = await through('{ order { id } }', [{ order: order(4) }], versions);
    expect(asked).toBe(4);
    expect(result.data).toEqual({ order: order(4) });
    const next = await through(
      'subscription { orderUpdates { cursor } }',
      [{ orderUpdates: order(4) }],
      versions,
    );
    expect(next.result.extensions?.isOld).toBeUndefined();
  });

  it('takes the order out of a mutation’s answer', async () => {
    const { result } = await through(
      'mutation { result { order { id } } }',
      [{ result: { order: order(4) } }],
      seen(),
    );
    expect(result.data).toEqual({ result: { order: null } });
  });

  it('keeps the item of a feed, for its event, and says that it is old', async () => {
    const data = { orderUpdates: { event: { id: 'evt_1' }, order: order(4) } };
    const { result } = await through('subscription { orderUpdates { cursor } }', [data], seen());
    expect(result).toMatchObject({ data, extensions: { isOld: true } });
  });
});
