import type { ApolloClient, OperationVariables, TypedDocumentNode, Unmasked } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { useApolloClient, useQuery } from '@apollo/client/react';
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useEffectEvent,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { type FragmentType, unmask } from '../gql';
import { newKey } from '../lib/key';
import type { Api } from './client';
import { Problem } from './problem';

export const ApiContext = createContext<Api | null>(null);

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error('there is nobody signed in here');
  return api;
}

export function useConnection() {
  const { connection } = useApi();
  return useSyncExternalStore(connection.subscribe, connection.state);
}

/** Calls `again` whenever the line has come back: for what has no cursor to resume from. */
export function useReturn(again: () => void) {
  const { connection } = useApi();
  const returns = useSyncExternalStore(connection.subscribe, connection.returns);
  const seen = useRef(returns);
  const onReturn = useEffectEvent(again);
  useEffect(() => {
    if (seen.current === returns) return;
    seen.current = returns;
    onReturn();
  }, [returns]);
}

/** One sentence about what went wrong, for people. */
export function sentence(error: unknown): string {
  if (CombinedGraphQLErrors.is(error)) return error.errors.map(({ message }) => message).join(' ');
  return 'The server cannot be reached just now.';
}

/** A query that is asked again by itself once the line is back, if it failed meanwhile. */
export function useLoad<Data, Variables extends OperationVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: NoInfer<Variables>,
  { skip = false }: { skip?: boolean } = {},
) {
  // The types of the options depend on which variables are required; the two arguments above have settled that.
  const options = { variables, skip } as useQuery.Options<Data, Variables>;
  const query = useQuery<Data, Variables>(document, options);
  useReturn(() => {
    if (query.error) void query.refetch().catch(() => {});
  });
  return query;
}

/** What a list shows: while another search is on its way, what the last one found; not when it failed. */
export function shownOf<Data>(query: {
  data: Data | undefined;
  previousData?: Data | undefined;
  loading: boolean;
}): Data | undefined {
  return query.data ?? (query.loading ? query.previousData : undefined);
}

export interface Feed {
  /** Whether the first item has come. */
  isLive: boolean;
  /** Why it ended, when it did. */
  error: string | null;
  /** Begins it anew. */
  restart: () => void;
}

export interface FeedOptions<Data> {
  /**
   * Called with every item, after it was written to the cache. When it `isOld` it was not: a newer version of its order is
   * there already, and it tells of an event and of nothing else.
   */
  onItem?: (data: Data, isOld: boolean) => void;
  /** Called when the server has no more to tell. */
  onEnd?: () => void;
  skip?: boolean;
}

/**
 * Follows a subscription for as long as the component is there.
 * Broken connections are mended below; what ends here is what the server refuses.
 */
export function useFeed<Data, Variables extends OperationVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: NoInfer<Variables>,
  { onItem, onEnd, skip = false }: FeedOptions<Data> = {},
): Feed {
  const client = useApolloClient();
  const [feed, setFeed] = useState<{ isLive: boolean; error: string | null }>({ isLive: false, error: null });
  const [round, setRound] = useState(0);
  const take = useEffectEvent((data: Data, isOld: boolean) => onItem?.(data, isOld));
  const finish = useEffectEvent(() => onEnd?.());
  const key = JSON.stringify(variables);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` begins it anew
  useEffect(() => {
    if (skip) return;
    const asked: Variables = JSON.parse(key);
    const options = { query: document, variables: asked, fetchPolicy: 'no-cache' };
    const follow = options as ApolloClient.SubscribeOptions<Data, Variables>;
    const subscription = client.subscribe<Data, Variables>(follow).subscribe({
      next: ({ data, error, extensions }) => {
        if (error) setFeed({ isLive: false, error: sentence(error) });
        if (!data) return;
        const item = data as Data;
        const isOld = extensions?.isOld === true;
        // Written here, and not by Apollo, because what is old must not be.
        if (!isOld)
          client.cache.writeQuery({
            id: 'ROOT_SUBSCRIPTION',
            query: document,
            variables: asked,
            data: item as Unmasked<Data>,
          });
        take(item, isOld);
        setFeed((now) => (now.isLive ? now : { isLive: true, error: null }));
      },
      error: (error: unknown) => setFeed({ isLive: false, error: sentence(error) }),
      complete: finish,
    });
    return () => {
      subscription.unsubscribe();
      setFeed({ isLive: false, error: null });
    };
  }, [client, document, key, skip, round]);

  const restart = useCallback(() => setRound((now) => now + 1), []);
  return { ...feed, restart };
}

/** Why something was not done, as people are told. */
export interface Trouble {
  code: string;
  message: string;
  field: readonly string[] | null;
}

type Payload = { userErrors: readonly FragmentType<typeof Problem>[] };

/**
 * A mutation whose one field is named `result`, and what it was refused for.
 *
 * An intention has a key: sent again after a lost answer it is the same, and done once. The key changes when the server has
 * answered, or when something else is asked for.
 */
export function useAsk<Data extends { result: Payload }, Variables extends OperationVariables>(
  document: TypedDocumentNode<Data, Variables>,
) {
  const client = useApolloClient();
  const [isBusy, setBusy] = useState(false);
  const [problems, setProblems] = useState<readonly Trouble[]>([]);
  const intention = useRef<{ key: string; about: string } | null>(null);

  const ask = async (make: (idempotencyKey: string) => Variables): Promise<Data['result'] | null> => {
    const about = JSON.stringify(make(''));
    if (intention.current?.about !== about) intention.current = { key: newKey(), about };
    setProblems([]);
    setBusy(true);
    try {
      const options = { mutation: document, variables: make(intention.current.key) };
      const { data } = await client.mutate<Data, Variables>(
        options as ApolloClient.MutateOptions<Data, Variables>,
      );
      intention.current = null;
      const result = (data as Data | undefined)?.result ?? null;
      const refusals = unmask(Problem, result?.userErrors) ?? [];
      setProblems(refusals);
      return refusals.length > 0 ? null : result;
    } catch (error) {
      setProblems([{ code: 'UNREACHABLE', message: sentence(error), field: null }]);
      return null;
    } finally {
      setBusy(false);
    }
  };
  return { ask, isBusy, problems };
}
