import type { ApolloClient, OperationVariables, TypedDocumentNode, Unmasked } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { type DocumentNode, Kind } from 'graphql';
import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react';
import { sentence, waitOf } from './refusal';
import { cursorOf } from './resume';
import { mayGoWell } from './retry';
import { type Standing, standingOf, useAgain } from './useAgain';

export interface Feed {
  /** Whether what it tells of is there: its first item has come, or it goes on behind one. */
  isLive: boolean;
  /** Why it ended, when it did. */
  error: string | null;
  /** Begins it anew, with what is there now. */
  restart: () => void;
}

interface FeedState {
  standing: Standing;
  isLive: boolean;
  error: string | null;
  waitMs: number;
}

const ASKED: FeedState = { standing: 'asked', isLive: false, error: null, waitMs: 0 };
/** Behind an item nothing comes until something happens. */
const ASKED_BEHIND: FeedState = { ...ASKED, isLive: true };
const CAME: FeedState = { standing: 'came', isLive: true, error: null, waitMs: 0 };

interface FeedOptions<Data> {
  /**
   * Called with every item, after it was written to the cache. When it `isOld` it was not: a newer version of its order is
   * there already, and it tells of an event and of nothing else.
   */
  onItem?: (data: Data, isOld: boolean) => void;
  /**
   * Called when it, having a cursor, has begun with what is there now, and not behind an item: what happened between the answer
   * to a query and that is in neither.
   */
  onBegin?: () => void;
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
  { onItem, onBegin, onEnd, skip = false }: FeedOptions<Data> = {},
): Feed {
  const client = useApolloClient();
  const [{ standing, isLive, error, waitMs }, setFeed] = useState(ASKED);
  const [round, setRound] = useState(0);
  /** Where it goes on when it begins again: behind the last item that was taken. */
  const position = useRef<{ key: string; after: string } | null>(null);
  const take = useEffectEvent((data: Data, isOld: boolean) => onItem?.(data, isOld));
  const tellBegin = useEffectEvent(() => onBegin?.());
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
    setFeed(after ? ASKED_BEHIND : ASKED);
    let isBeginning = !after;
    let isToGoOn = false;
    const fail = (reason: unknown) => {
      isToGoOn = mayGoWell(reason);
      setFeed({
        standing: standingOf(reason, false),
        isLive: false,
        error: sentence(reason),
        waitMs: waitOf(reason),
      });
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
        if (isBeginning || isReset(item)) tellBegin();
        isBeginning = false;
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
  return { isLive, error, restart };
}

/** Whether it can begin behind an item, instead of with what is there now. */
function resumes(document: DocumentNode): boolean {
  return document.definitions.some(
    (part) =>
      part.kind === Kind.OPERATION_DEFINITION &&
      part.variableDefinitions?.some(({ variable }) => variable.name.value === 'after'),
  );
}

/** Whether it could not go on behind the last item, and begins with what is there now. */
function isReset(data: unknown): boolean {
  return Object.values(data ?? {}).some((item) => item?.__typename === 'StreamReset');
}
