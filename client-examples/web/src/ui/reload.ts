import type { ApolloClient, DocumentNode, ObservableQuery, OperationVariables } from '@apollo/client';
import { firstValueFrom, skipWhile } from 'rxjs';

/** As many as lists begin with, and the most that the server gives at once. */
const PAGE = { fewest: 25, most: 100 };

interface Page {
  edges: readonly unknown[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** The page of a list that whoever looks has none of. */
export const NO_PAGE = { edges: [], pageInfo: { hasNextPage: false, endCursor: null } } satisfies Page;

interface Query<Data, Variables extends OperationVariables> {
  client: ApolloClient;
  observable: ObservableQuery<Data, Variables>;
}

/** What is being asked for anew, and whether that is to be done once more. */
const underWay = new WeakMap<object, { isDue: boolean; done: Promise<void> }>();

/** So often a list is loaded once more when it has changed meanwhile: in a busy shop it may do so all the time. */
const TIMES = 3;

/** What somebody else has asked for may be of before what this is about. */
const OF_ITS_OWN = { queryDeduplication: false };

/**
 * Asks a query anew, whatever of the same is on its way already. What fails is left to the query, which is asked again until it
 * goes well. Whoever asks for that while it is under way has it done once more, since what it is asked for may not be in the
 * answer.
 */
export function refresh<Data, Variables extends OperationVariables>({
  client,
  observable,
}: Query<Data, Variables>): Promise<void> {
  return coalesced(observable, async () => {
    const query: DocumentNode = observable.query;
    const variables: OperationVariables = observable.variables;
    await client.query({ query, variables, fetchPolicy: 'network-only', context: OF_ITS_OWN });
  });
}

/**
 * The same for a list, as far as it is shown: to ask as before would leave its first page and undo every "Show more". Its
 * document has `$first` and `$after`.
 */
export function reload<Data, Variables extends OperationVariables>(
  query: Query<Data, Variables>,
  pageOf: (data: Data) => Page,
): Promise<void> {
  return coalesced(query.observable, () => loadAnew(query, pageOf));
}

/** Has `ask` done behind what the query is asking, and once more for all who want it meanwhile. */
function coalesced<Data, Variables extends OperationVariables>(
  observable: ObservableQuery<Data, Variables>,
  ask: () => Promise<void>,
): Promise<void> {
  const now = underWay.get(observable);
  if (now) {
    now.isDue = true;
    return now.done;
  }
  const run = { isDue: true, done: Promise.resolve() };
  underWay.set(observable, run);
  const askWhileDue = async () => {
    while (run.isDue) {
      run.isDue = false;
      try {
        // An older answer that is still on its way must not come behind this one.
        const { error } = await firstValueFrom(observable.pipe(skipWhile(({ loading }) => loading)));
        if (error) throw error;
        await ask();
      } catch {
        await observable.refetch().catch(() => {});
      }
    }
  };
  run.done = askWhileDue().finally(() => underWay.delete(observable));
  return run.done;
}

async function loadAnew<Data, Variables extends OperationVariables>(
  { client, observable }: Query<Data, Variables>,
  pageOf: (data: Data) => Page,
): Promise<void> {
  const query: DocumentNode = observable.query;
  const variables: OperationVariables = { ...observable.variables };
  const shown = () => client.cache.readQuery<Data>({ query, variables });
  /** As many as are shown; and whoever has seen the end of the list sees it again, when it has grown. */
  const wanted = () => {
    const data = shown();
    if (!data) return 0;
    const { edges, pageInfo } = pageOf(data);
    return edges.length + (pageInfo.hasNextPage ? 0 : PAGE.fewest);
  };
  const ask = async (first: number, after: string | null) => {
    const { data } = await client.query<Data>({
      query,
      variables: { ...variables, first, after },
      fetchPolicy: 'no-cache',
      context: OF_ITS_OWN,
    });
    return data as Data;
  };
  let pages: Loaded<Data>[] = [];
  for (let time = 1; time <= TIMES; time++) {
    const before = shown();
    pages = await loadPages(ask, pageOf, wanted);
    // What a feed has brought meanwhile may be newer than the answer.
    if (shown() === before) break;
  }
  client.cache.batch({
    update: (cache) => {
      for (const { after, data } of pages) {
        cache.writeQuery({
          query,
          variables: { ...variables, after },
          data: data as Record<string, unknown>,
        });
      }
    },
  });
}

interface Loaded<Data> {
  after: string | null;
  data: Data;
}

/** The first pages of a list, so many that they have what is `wanted`. */
async function loadPages<Data>(
  ask: (first: number, after: string | null) => Promise<Data>,
  pageOf: (data: Data) => Page,
  wanted: () => number,
): Promise<Loaded<Data>[]> {
  const pages: Loaded<Data>[] = [];
  let count = 0;
  let after: string | null = null;
  // It is looked at each time how many are wanted: somebody may ask for more meanwhile.
  do {
    const data = await ask(Math.min(PAGE.most, Math.max(PAGE.fewest, wanted() - count)), after);
    const { edges, pageInfo } = pageOf(data);
    pages.push({ after, data });
    count += edges.length;
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null && count < wanted());
  return pages;
}
