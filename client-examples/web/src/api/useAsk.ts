import type { ApolloClient, OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useRef, useState } from 'react';
import { type FragmentType, unmask } from '../gql';
import { newKey } from '../lib/key';
import { Problem } from './problem';
import { isUndecided, type Trouble, unreachable } from './refusal';

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
      setProblems([unreachable(error)]);
      return null;
    } finally {
      setBusy(false);
    }
  };
  return { ask, isBusy, isUnknown, problems };
}
