import type { ApolloClient, DocumentNode, ObservableQuery, OperationVariables } from '@apollo/client';
import { firstValueFrom, skipWhile } from 'rxjs';

/** As many as lists begin with, and the most that the server gives at once. */
const PAGE = { fewest: 25, most: 100 };

interface Page {
  edges: readonly unknown[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

interface List<Data, Variables extends OperationVariables> {
  client: ApolloClient;
  observable: ObservableQuery<Data, Variables>;
}

/** Lists that are being loaded, and whether that is to be done once more. */
const underWay = new WeakMap<object, { isDue: boolean; done: Promise<void> }>();

/** So often it is loaded once more when it has changed meanwhile: in a busy shop it may do so all the time. */
const TIMES = 3;

/**
 * Loads a list anew, as far as it is shown: `refetch` would leave its first page and undo every "Show more". Its document has
 * `$first` and `$after`. What fails is left to the query, which is asked again until it goes well. Whoever asks for that while
 * it is under way has it done once more, since what it is asked for may not be in the answer.
 */
export function reload<Data, Variables extends OperationVariables>(
  list: List<Data, Variables>,
  pageOf: (data: Data) => Page,
): Promise<void> {
  const now = underWay.get(list.observable);
  if (now) {
    now.isDue = true;
    return now.done;
  }
  const run = { isDue: true, done: Promise.resolve() };
  underWay.set(list.observable, run);
  const load = async () => {
    while (run.isDue) {
      run.isDue = false;
      await loadAnew(list, pageOf);
    }
  };
  run.done = load().finally(() => underWay.delete(list.observable));
  return run.done;
}

async function loadAnew<Data, Variables extends OperationVariables>(
  { client, observable }: List<Data, Variables>,
  pageOf: (data: Data) => Page,
): Promise<void> {
  const query: DocumentNode = observable.query;
  const variables: OperationVariables = { ...observable.variables };
  /** As many as are shown; and whoever has seen the end of the list sees it again, when it has grown. */
  const wanted = () => {
    const data = client.cache.readQuery<Data>({ query, variables });
    if (!data) return 0;
    const { edges, pageInfo } = pageOf(data);
    return edges.length + (pageInfo.hasNextPage ? 0 : PAGE.fewest);
  };
  const load = async () => {
    const pages: { after: string | null; data: Data }[] = [];
    let count = 0;
    let after: string | null = null;
    // It is looked at each time: somebody may ask for more meanwhile.
    do {
      const first = Math.min(PAGE.most, Math.max(PAGE.fewest, wanted() - count));
      const answer = await client.query<Data>({
        query,
        variables: { ...variables, first, after },
        fetchPolicy: 'no-cache',
        // That of somebody else may have been asked for before what this is about.
        context: { queryDeduplication: false },
      });
      const data = answer.data as Data;
      const { edges, pageInfo } = pageOf(data);
      pages.push({ after, data });
      count += edges.length;
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after !== null && count < wanted());
    return pages;
  };
  try {
    // An older answer that is still on its way must not come behind this one.
    const { error } = await firstValueFrom(observable.pipe(skipWhile(({ loading }) => loading)));
    if (error) throw error;
    let pages: { after: string | null; data: Data }[] = [];
    for (let time = 1; time <= TIMES; time++) {
      const before = client.cache.readQuery<Data>({ query, variables });
      pages = await load();
      // What a feed has brought meanwhile may be newer than the answer.
      if (client.cache.readQuery<Data>({ query, variables }) === before) break;
    }
    client.cache.batch({
      update: (cache) => {
        for (const page of pages) {
          cache.writeQuery({
            query,
            variables: { ...variables, after: page.after },
            data: page.data as Record<string, unknown>,
          });
        }
      },
    });
  } catch {
    await observable.refetch().catch(() => {});
  }
}
