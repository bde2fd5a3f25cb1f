import type { ApolloClient, OperationVariables, TypedDocumentNode, Unmasked } from '@apollo/client';
import { useApolloClient, useQuery } from '@apollo/client/react';
import { type DocumentNode, Kind } from 'graphql';
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
import { duration } from '../lib/format';
import { newKey } from '../lib/key';
import type { Api } from './client';
import { Problem } from './problem';
import { isLimited, isUndecided, refusalsOf, waitOf } from './refusal';
import { cursorOf } from './resume';
import { mayGoWell, pause } from './retry';

/** Milliseconds until what has failed on the screen is asked for once more, the first time and at the most. */
const AGAIN_MS = { initial: 5_000, max: 30_000 };

/** Whatever an answer says, it is asked for again after this many milliseconds. */
const LONGEST_WAIT_MS = 300_000;

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

/** How what was asked for stands: it came, it is on its way, it failed and may go well later, or it never will. */
type Standing = 'came' | 'asked' | 'failed' | 'refused';

/**
 * Calls `again` for as long as that fails which may go well later, after longer and longer pauses, and not before the time that
 * the answer named.
 */
function useAgain(standing: Standing, waitMs: number, again: () => void) {
  const failures = useRef(0);
  const ask = useEffectEvent(again);
  useEffect(() => {
    if (standing === 'came') failures.current = 0;
    if (standing !== 'failed') return;
    failures.current++;
    const wait = Math.min(waitMs, LONGEST_WAIT_MS) + pause(failures.current, AGAIN_MS.initial, AGAIN_MS.max);
    const timer = setTimeout(() => ask(), wait);
    return () => clearTimeout(timer);
  }, [standing, waitMs]);
}

function standingOf(error: unknown, isLoading: boolean): Standing {
  if (isLoading) return 'asked';
  if (!error) return 'came';
  return mayGoWell(error) ? 'failed' : 'refused';
}

interface Outcome {
  about: string;
  isLoading: boolean;
  error: unknown;
}

/**
 * How a query went the last time that it was asked `about` something. What a feed writes to the cache meanwhile makes a failed
 * one look well, and is no answer to it.
 */
export function outcomeOf(last: Outcome, now: Outcome): Outcome {
  if (now.about !== last.about) return now;
  if (now.isLoading) return last.isLoading ? last : { ...last, isLoading: true };
  if (last.isLoading) return now;
  return now.error && now.error !== last.error ? now : last;
}

/** One sentence about what went wrong, for people. */
export function sentence(error: unknown): string {
  if (isLimited(error)) {
    const seconds = Math.ceil(waitOf(error) / 1000);
    return `Too much was asked at once. Try again in ${seconds > 0 ? duration(seconds) : 'a moment'}.`;
  }
  const said = refusalsOf(error).map(({ message }) => message);
  return said.join(' ') || 'The server cannot be reached just now.';
}

/**
 * A query that is asked again by itself if it failed: once the line is back, and now and then while it is up. It must be, also
 * where older data is shown: what a feed writes to the cache while a query is on its way, the query does not look at, for its
 * own answer will be newer; and if that never comes, the page would stay behind the feed.
 */
export function useLoad<Data, Variables extends OperationVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: NoInfer<Variables>,
  { skip = false }: { skip?: boolean } = {},
) {
  // The types of the options depend on which variables are required; the two arguments above have settled that.
  const options = { variables, skip } as useQuery.Options<Data, Variables>;
  const query = useQuery<Data, Variables>(document, options);
  const now = { about: JSON.stringify(variables), isLoading: query.loading, error: query.error };
  const [last, setLast] = useState<Outcome>(now);
  const outcome = outcomeOf(last, now);
  if (outcome !== last) setLast(outcome);
  const error = outcome.error as typeof query.error;
  const again = () => void query.refetch().catch(() => {});
  useReturn(() => {
    if (error) again();
  });
  useAgain(standingOf(error, query.loading), waitOf(error), again);
  return { ...query, error };
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
  /** Begins it anew, with what is there now. */
  restart: () => void;
}

interface FeedState {
  standing: Standing;
  error: string | null;
  waitMs: number;
}

const ASKED: FeedState = { standing: 'asked', error: null, waitMs: 0 };
const CAME: FeedState = { standing: 'came', error: null, waitMs: 0 };

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
 * Broken connections are mended below. What ends with an error that may go well later goes on by itself after a while, where
 * it was; what the server refuses ends here.
 */
export function useFeed<Data, Variables extends OperationVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: NoInfer<Variables>,
  { onItem, onEnd, skip = false }: FeedOptions<Data> = {},
): Feed {
  const client = useApolloClient();
  const [{ standing, error, waitMs }, setFeed] = useState(ASKED);
  const [round, setRound] = useState(0);
  /** Where it goes on when it begins again: behind the last item that was taken. */
  const position = useRef<{ key: string; after: string } | null>(null);
  const take = useEffectEvent((data: Data, isOld: boolean) => onItem?.(data, isOld));
  const finish = useEffectEvent(() => onEnd?.());
  const key = JSON.stringify(variables);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` begins it again
  useEffect(() => {
    if (skip) return;
    const asked: Variables = JSON.parse(key);
    if (position.current?.key !== key) position.current = null;
    const after = position.current && { after: position.current.after };
    const options = { query: document, variables: { ...asked, ...after }, fetchPolicy: 'no-cache' };
    const follow = options as unknown as ApolloClient.SubscribeOptions<Data, Variables>;
    let isToGoOn = false;
    const fail = (reason: unknown) => {
      isToGoOn = mayGoWell(reason);
      setFeed({ standing: standingOf(reason, false), error: sentence(reason), waitMs: waitOf(reason) });
    };
    const subscription = client.subscribe<Data, Variables>(follow).subscribe({
      next: ({ data, error: reason, extensions }) => {
        if (reason) fail(reason);
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
        const cursor = resumes(document) ? cursorOf(item) : undefined;
        if (cursor !== undefined) position.current = { key, after: cursor };
        if (!reason) setFeed((now) => (now.standing === 'came' ? now : CAME));
      },
      error: fail,
      // It is told after an error, too.
      complete: () => {
        if (!isToGoOn) finish();
      },
    });
    return () => {
      subscription.unsubscribe();
      setFeed(ASKED);
    };
  }, [client, document, key, skip, round]);

  const begin = useCallback(() => setRound((now) => now + 1), []);
  useAgain(standing, waitMs, begin);
  const restart = useCallback(() => {
    position.current = null;
    begin();
  }, [begin]);
  return { isLive: standing === 'came', error, restart };
}

/** Whether it can begin behind an item, instead of with what is there now. */
function resumes(document: DocumentNode): boolean {
  return document.definitions.some(
    (part) =>
      part.kind === Kind.OPERATION_DEFINITION &&
      part.variableDefinitions?.some(({ variable }) => variable.name.value === 'after'),
  );
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
 * answered, or when something else is asked for. Until then `isUnknown` says that it may have been done.
 */
export function useAsk<Data extends { result: Payload }, Variables extends OperationVariables>(
  document: TypedDocumentNode<Data, Variables>,
) {
  const client = useApolloClient();
  const [isBusy, setBusy] = useState(false);
  const [isUnknown, setUnknown] = useState(false);
  const [problems, setProblems] = useState<readonly Trouble[]>([]);
  const intention = useRef<{ key: string; about: string } | null>(null);

  const ask = async (make: (idempotencyKey: string) => Variables): Promise<Data['result'] | null> => {
    const about = JSON.stringify(make(''));
    if (intention.current?.about !== about) {
      intention.current = { key: newKey(), about };
      setUnknown(false);
    }
    setProblems([]);
    setBusy(true);
    try {
      const options = { mutation: document, variables: make(intention.current.key) };
      const { data } = await client.mutate<Data, Variables>(
        options as ApolloClient.MutateOptions<Data, Variables>,
      );
      intention.current = null;
      setUnknown(false);
      const result = (data as Data | undefined)?.result ?? null;
      const refusals = unmask(Problem, result?.userErrors) ?? [];
      setProblems(refusals);
      return refusals.length > 0 ? null : result;
    } catch (error) {
      // What was refused was not done; nor does that say what became of an earlier try.
      if (isUndecided(error)) setUnknown(true);
      setProblems([{ code: 'UNREACHABLE', message: sentence(error), field: null }]);
      return null;
    } finally {
      setBusy(false);
    }
  };
  return { ask, isBusy, isUnknown, problems };
}
