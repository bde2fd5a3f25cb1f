import { ApolloClient, ApolloLink, gql, type TypedDocumentNode } from '@apollo/client';
import { firstValueFrom, Observable, skipWhile } from 'rxjs';
import { expect, it } from 'vitest';
import { makeCache } from '../api/cache';
import { KEPT, mend, needOf, withOrder } from './list';

/** An order, the later the higher its number. */
const order = (number: number) => ({
  __typename: 'Order',
  id: `ord_${number}`,
  createdAt: new Date(number * 1000).toISOString(),
});

type Order = ReturnType<typeof order>;

const edge = (node: Order) => ({ __typename: 'OrderEdge', cursor: node.id, node });

/** A list of the orders of these numbers, with a next page or without. */
const list = (numbers: readonly number[], hasNextPage: boolean) => ({
  __typename: 'OrderConnection',
  edges: numbers.map((number) => edge(order(number))),
  pageInfo: { __typename: 'PageInfo', hasNextPage, endCursor: `ord_${numbers.at(-1)}` },
});

const ids = ({ edges }: { edges: readonly { node: { id: string } }[] }) => edges.map(({ node }) => node.id);

const item = (number: number) => ({ cursor: `evt_${number}`, order: order(number) });

it('an order older than all that are shown is left to the next page', () => {
  expect(ids(withOrder(list([5, 3], true), item(2), true))).toEqual(['ord_5', 'ord_3']);
  expect(ids(withOrder(list([5, 3], false), item(2), true))).toEqual(['ord_5', 'ord_3', 'ord_2']);
  expect(ids(withOrder(list([5, 3], true), item(4), true))).toEqual(['ord_5', 'ord_4', 'ord_3']);
});

it('a list whose last order leaves is asked for anew when there are more', () => {
  const need = (hasNextPage: boolean, number: number, belongs: boolean) => {
    const before = list([5, 3], hasNextPage);
    return needOf(before, withOrder(before, item(number), belongs));
  };
  expect(need(true, 3, false)).toBe('all');
  expect(need(false, 3, false)).toBeNull();
  expect(need(true, 5, false)).toBeNull();
  for (const number of [6, 4, 3, 2]) expect(need(true, number, true)).toBeNull();
});

it('a list that has grown too long begins anew, and one that is as long does not', () => {
  const numbers = Array.from({ length: KEPT }, (_, index) => KEPT - index);
  const full = list(numbers, true);
  expect(needOf(full, withOrder(full, item(KEPT), true))).toBeNull();
  expect(needOf(full, withOrder(full, item(KEPT + 1), true))).toBe('first page');
  const longer = list([KEPT + 1, ...numbers], true);
  expect(needOf(longer, withOrder(longer, item(KEPT), true))).toBeNull();
  expect(needOf(longer, withOrder(longer, item(KEPT), false))).toBeNull();
});

interface Orders {
  admin: {
    __typename: string;
    orders: {
      edges: readonly { cursor: string; node: Order }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
  };
}

const ORDERS: TypedDocumentNode<Orders> = gql`
  query Orders($first: Int = 25, $after: String) {
    admin {
      orders(first: $first, after: $after) {
        edges {
          cursor
          node {
            id
            createdAt
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`;

const pageOf = ({ admin }: Orders) => admin.orders;

/** A list of the orders of these numbers on a page, and its server, which may have others since. */
function desk(numbers: readonly number[]) {
  const server = { numbers, asked: 0 };
  const link = new ApolloLink(
    () =>
      new Observable((observer) => {
        server.asked++;
        const data = { admin: { __typename: 'AdminDesk', orders: list(server.numbers, false) } };
        setTimeout(() => {
          observer.next({ data });
          observer.complete();
        });
      }),
  );
  const client = new ApolloClient({ cache: makeCache(), link });
  const observable = client.watchQuery({
    query: ORDERS,
    nextFetchPolicy: 'cache-first',
    notifyOnNetworkStatusChange: true,
  });
  const subscription = observable.subscribe(() => {});
  const shown = () => client.cache.readQuery({ query: ORDERS });
  const bring = (number: number, belongs: boolean) => {
    const before = shown();
    const after = client.cache.updateQuery(
      { query: ORDERS },
      (data) => data && { admin: { ...data.admin, orders: withOrder(pageOf(data), item(number), belongs) } },
    );
    mend({ client, observable }, pageOf, { before, after, belongs });
  };
  const loaded = () => firstValueFrom(observable.pipe(skipWhile(({ loading }) => loading)));
  const numbersShown = () => ids(shown()?.admin.orders ?? { edges: [] });
  return { server, observable, bring, loaded, numbersShown, end: () => subscription.unsubscribe() };
}

it('an order that comes while the list is on its way is there in the end', async () => {
  const page = desk([2, 1]);
  page.server.numbers = [3, 2, 1];
  page.bring(3, true);
  await expect.poll(page.numbersShown).toEqual(['ord_3', 'ord_2', 'ord_1']);
  // As well when there is an older list, whose place the answer takes.
  const again = page.observable.refetch();
  page.server.numbers = [4, 3, 2, 1];
  page.bring(4, true);
  await again;
  await expect.poll(page.numbersShown).toEqual(['ord_4', 'ord_3', 'ord_2', 'ord_1']);
  page.end();
});

it('an order that comes later is put into the list, and nothing is asked for', async () => {
  const page = desk([2, 1]);
  await page.loaded();
  page.bring(3, true);
  page.bring(1, false);
  expect(page.numbersShown()).toEqual(['ord_3', 'ord_2']);
  await page.loaded();
  expect(page.server.asked).toBe(1);
  page.end();
});

it('a list that has grown too long is its first page again', async () => {
  const page = desk(Array.from({ length: KEPT }, (_, index) => KEPT - index));
  await page.loaded();
  page.server.numbers = [KEPT + 1, KEPT];
  page.bring(KEPT + 1, true);
  await expect.poll(page.numbersShown).toEqual([`ord_${KEPT + 1}`, `ord_${KEPT}`]);
  expect(page.server.asked).toBe(2);
  page.end();
});
