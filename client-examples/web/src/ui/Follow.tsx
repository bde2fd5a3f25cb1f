import type { TypedDocumentNode } from '@apollo/client';
import { useState } from 'react';
import { useFeed } from '../api/hooks';
import type { ProductUpdatesSubscriptionVariables } from '../gql/graphql';
import { followed } from '../lib/followed';
import { Stopped } from './states';

type Updates<Data> = TypedDocumentNode<Data, ProductUpdatesSubscriptionVariables>;

/** Keeps products as they are on the server, however many there are; what is shown of them is read from the cache. */
export function Follow<Data>({
  document,
  productIds,
}: {
  document: Updates<Data>;
  productIds: readonly string[];
}) {
  const [before, setParts] = useState<ReturnType<typeof followed>>([]);
  const parts = followed(before, productIds);
  if (parts !== before) setParts(parts);
  return parts.map((part) => <Part key={part[0]} document={document} productIds={part} />);
}

function Part<Data>({ document, productIds }: { document: Updates<Data>; productIds: readonly string[] }) {
  return <Stopped feed={useFeed(document, { productIds: [...productIds] })} />;
}
