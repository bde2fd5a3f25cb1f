import { ServerError } from '@apollo/client/errors';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { inTime } from './inTime';
import { answerIn } from './refusal';

export const ENDPOINT = '/graphql';

const send = inTime();

/** One request without a cache, for what comes before there is anybody to have one: signing in. */
export async function post<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  token?: string,
): Promise<Data> {
  const reply = await send(ENDPOINT, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json',
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const bodyText = await reply.text();
  const { data } = answerIn(bodyText);
  // With all that was answered: why there is no data, and when to ask again.
  if (!data) throw new ServerError(`The server answered ${reply.status}.`, { response: reply, bodyText });
  return data as Data;
}
