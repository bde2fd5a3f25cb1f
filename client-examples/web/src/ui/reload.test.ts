import { ApolloClient, ApolloLink, gql, type TypedDocumentNode } from '@apollo/client';
import { firstValueFrom, Observable, skipWhile } from 'rxjs';
import { expect, it } from 'vitest';
import { makeCache } from '../api/cache';
import { refresh, reload } from './reload';

interface Partners {
  admin: {
    __typename: 'AdminDesk';
    partners: {
      edges: { cursor: string; node: { __typename: 'User'; id: string; name: string } }[];
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
    };
  };
}

type Variables = { first?: number; after?: string | null };

const PARTNERS: TypedDocumentNode<Partners, Variables> = gql`
  query Partners($first: Int = 25, $after: String) {
    admin {
      partners(first: $first, after: $after) {
        edges {
          cursor
          node {
            id
            name
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

const pageOf = ({ admin }: Partners) => admin.partners;

/** A server with `count` partners, the list of them on a page, and what it was asked. */
function desk(count: number) {
  const people = Array.from({ length: count }, (_, index) => ({ id: `usr_${index + 1}`, name: 'before' }));
  const asked: Variables[] = [];
  const failures: Error[] = [];
  const answer = ({ first = 25, after }: Variables): Partners => {
    const begin = people.findIndex(({ id }) => id === after) + 1;
    const page = people.slice(begin, begin + first);
    const edges = page.map((person) => ({
      __typename: 'UserEdge',
      cursor: person.id,
      node: { __typename: 'User' as const, ...person },
    }));
    const pageInfo = {
      __typename: 'PageInfo',
      hasNextPage: begin + first < people.length,
      endCursor: page.at(-1)?.id ?? null,
    };
    return {
      admin: { __typename: 'AdminDesk', partners: { __typename: 'UserConnection', edges, pageInfo } },
    } as Partners;
  };
  const link = new ApolloLink(
    ({ variables }) =>
      new Observable((observer) => {
        asked.push(variables);
        const failure = failures.shift();
        const data = answer(variables) as unknown as Record<string, unknown>;
        setTimeout(() => {
          if (failure) return observer.error(failure);
          observer.next({ data });
          observer.complete();
        });
      }),
  );
  const client = new ApolloClient({ cache: makeCache(), link });
  const observable = client.watchQuery({ query: PARTNERS, variables: {}, nextFetchPolicy: 'cache-first' });
  const subscription = observable.subscribe(() => {});
  const shown = () => {
    const data = client.cache.readQuery({ query: PARTNERS, variables: {} });
    return data ? pageOf(data) : undefined;
  };
  const more = () => observable.fetchMore({ variables: { after: shown()?.pageInfo.endCursor } });
  const loaded = () => firstValueFrom(observable.pipe(skipWhile(({ loading }) => loading)));
  return {
    client,
    observable,
    people,
    asked,
    failures,
    shown,
    more,
    loaded,
    end: () => subscription.unsubscribe(),
  };
}

const ids = (page: ReturnType<typeof pageOf> | undefined) => page?.edges.map(({ node }) => node.id);

it('what "Show more" brought stays, all of it anew, in one request', async () => {
  const page = desk(60);
  await page.loaded();
  await page.more();
  expect(page.shown()?.edges).toHaveLength(50);
  for (const person of page.people) person.name = 'after';
  await reload(page, pageOf);
  expect(page.asked.slice(2)).toEqual([{ first: 50, after: null }]);
  expect(page.shown()?.edges.map(({ node }) => node.name)).toEqual(Array(50).fill('after'));
  expect(page.shown()?.pageInfo).toMatchObject({ hasNextPage: true, endCursor: 'usr_50' });
  await page.more();
  expect(ids(page.shown())).toEqual(page.people.map(({ id }) => id));
  page.end();
});

it('nothing is thrown away of more than the server gives at once', async () => {
  const page = desk(140);
  await page.loaded();
  for (let times = 0; times < 4; times++) await page.more();
  expect(page.shown()?.edges).toHaveLength(125);
  await reload(page, pageOf);
  expect(page.asked.slice(5)).toEqual([
    { first: 100, after: null },
    { first: 25, after: 'usr_100' },
  ]);
  expect(ids(page.shown())).toEqual(page.people.slice(0, 125).map(({ id }) => id));
  page.end();
});

it('what is new is on top, what is gone is gone, and a short list may grow', async () => {
  const page = desk(3);
  await page.loaded();
  page.people.splice(1, 1);
  page.people.unshift({ id: 'usr_8', name: 'new' }, { id: 'usr_9', name: 'new' });
  await reload(page, pageOf);
  expect(ids(page.shown())).toEqual(['usr_8', 'usr_9', 'usr_1', 'usr_3']);
  page.end();
});

it('whoever has seen the end of a list still sees it when there is one more', async () => {
  const page = desk(50);
  await page.loaded();
  await page.more();
  page.people.unshift({ id: 'usr_99', name: 'new' });
  await reload(page, pageOf);
  expect(ids(page.shown())).toEqual(page.people.map(({ id }) => id));
  page.end();
});

it('more that is asked for meanwhile stays, too', async () => {
  const page = desk(60);
  await page.loaded();
  await Promise.all([page.more(), reload(page, pageOf)]);
  expect(ids(page.shown())).toEqual(page.people.slice(0, 50).map(({ id }) => id));
  await Promise.all([reload(page, pageOf), page.more()]);
  expect(ids(page.shown())).toEqual(page.people.map(({ id }) => id));
  page.end();
});

it('a list that is on its way is asked for again, so that what came behind it is in it', async () => {
  const page = desk(3);
  const again = reload(page, pageOf);
  page.people.unshift({ id: 'usr_9', name: 'new' });
  await again;
  expect(ids(page.shown())).toEqual(['usr_9', 'usr_1', 'usr_2', 'usr_3']);
  page.end();
});

it('what is asked for twice at once is done twice, since the first answer may be of before', async () => {
  const page = desk(3);
  await page.loaded();
  const first = reload(page, pageOf);
  // the first answer is made once its request is there
  await expect.poll(() => page.asked.length).toBe(2);
  page.people.unshift({ id: 'usr_9', name: 'new' });
  await Promise.all([first, reload(page, pageOf)]);
  expect(ids(page.shown())).toEqual(['usr_9', 'usr_1', 'usr_2', 'usr_3']);
  page.end();
});

it('what a feed has brought meanwhile is not undone by an answer of before', async () => {
  const page = desk(3);
  await page.loaded();
  const again = reload(page, pageOf);
  await expect.poll(() => page.asked.length).toBe(2);
  page.people.unshift({ id: 'usr_9', name: 'new' });
  const data = page.client.cache.readQuery({ query: PARTNERS, variables: {} }) as Partners;
  const edge = {
    __typename: 'UserEdge',
    cursor: 'usr_9',
    node: { __typename: 'User' as const, id: 'usr_9', name: 'new' },
  };
  const { partners } = data.admin;
  page.client.cache.writeQuery({
    query: PARTNERS,
    variables: {},
    data: { admin: { ...data.admin, partners: { ...partners, edges: [edge, ...partners.edges] } } },
  });
  await again;
  expect(ids(page.shown())).toEqual(['usr_9', 'usr_1', 'usr_2', 'usr_3']);
  page.end();
});

it('a failure is left to the query, and never thrown', async () => {
  const page = desk(60);
  await page.loaded();
  page.failures.push(new TypeError('no network'), new TypeError('no network'));
  await expect(reload(page, pageOf)).resolves.toBeUndefined();
  expect(page.observable.getCurrentResult().error?.message).toBe('no network');
  expect(page.shown()?.edges).toHaveLength(25);
  page.end();
});

it('what is refreshed is asked for again, though the same is on its way for somebody else', async () => {
  const page = desk(3);
  await page.loaded();
  const { query, variables } = page.observable;
  const others = page.client.query({ query, variables, fetchPolicy: 'network-only' });
  // no longer than until it is sent: the answer comes by a timer
  while (page.asked.length < 2) await Promise.resolve();
  page.people.unshift({ id: 'usr_9', name: 'new' });
  await Promise.all([others, refresh(page)]);
  expect(page.asked).toHaveLength(3);
  expect(ids(page.shown())).toEqual(['usr_9', 'usr_1', 'usr_2', 'usr_3']);
  page.end();
});

it('what several want to have refreshed meanwhile is, once more for all of them', async () => {
  const page = desk(3);
  await Promise.all([refresh(page), refresh(page), refresh(page)]);
  // after the answer that was on its way
  expect(page.asked).toHaveLength(3);
  page.end();
});

it('what could not be refreshed is left to the query', async () => {
  const page = desk(3);
  await page.loaded();
  page.failures.push(new TypeError('no network'), new TypeError('no network'));
  await expect(refresh(page)).resolves.toBeUndefined();
  expect(page.observable.getCurrentResult().error?.message).toBe('no network');
  page.end();
});
