import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';

export const ENDPOINT = '/graphql';

/** How long one request may take: more than the server gives itself. */
const PATIENCE_MS = 35_000;

/** One request without a cache, for what comes before there is anybody to have one: signing in. */
export async function post<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  token?: string,
): Promise<Data> {
  const reply = await fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json',
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: print(document), variables }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const { data, errors }: { data?: Data | null; errors?: { message: string }[] } = await reply.json();
  if (!data) throw new Error(errors?.[0]?.message ?? `The server answered ${reply.status}.`);
  return data;
}
