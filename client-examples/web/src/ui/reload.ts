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

/**
 * Loads a list anew, as far as it is shown: `refetch` would leave its first page and undo every "Show more". Its document has
 * `$first` and `$after`. What fails is left to the query, which is asked again until it goes well.
 */
export async function reload<Data, Variables extends OperationVariables>(
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
  try {
    // An older answer that is still on its way must not come behind this one.
    const { error } = await firstValueFrom(observable.pipe(skipWhile(({ loading }) => loading)));
    if (error) throw error;
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
      });
      const data = answer.data as Data;
      const { edges, pageInfo } = pageOf(data);
      pages.push({ after, data });
      count += edges.length;
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after !== null && count < wanted());
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
