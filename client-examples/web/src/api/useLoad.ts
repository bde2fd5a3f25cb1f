import type { OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { waitOf } from './refusal';
import { standingOf, useAgain } from './useAgain';
import { useReturn } from './useApi';

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
