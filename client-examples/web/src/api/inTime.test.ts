import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { expect, it } from 'vitest';
import { inTime } from './inTime';
import { isUndecided } from './refusal';
import { isTimeout } from './retry';

/** What comes of `ask` at a server that answers so. */
async function at(answer: RequestListener, ask: (url: string) => Promise<unknown>): Promise<unknown> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const result = await ask(`http://127.0.0.1:${port}`).catch((error: unknown) => error);
  server.closeAllConnections();
  server.close();
  return result;
}

const limited = (uri: string, ms: number) =>
  new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri, fetch: inTime(ms) }) });

const silent: RequestListener = () => {};

it.each([
  ['never answers', silent],
  ['stops in the middle of its answer', (_, reply) => void reply.writeHead(200).write('{"data":')],
] satisfies [string, RequestListener][])('a query is given up when the server %s', async (_, answer) => {
  const error = await at(answer, (url) => limited(url, 50).query({ query: gql('{ version }') }));
  expect(isTimeout(error)).toBe(true);
});

it('a mutation that is given up may have been done', async () => {
  const mutation = gql('mutation { logout { sessionsEnded } }');
  const error = await at(silent, (url) => limited(url, 50).mutate({ mutation }));
  expect([isTimeout(error), isUndecided(error)]).toEqual([true, true]);
});

it('whoever wants it no more need not wait for that', async () => {
  const gone = AbortSignal.abort();
  const error = await at(silent, (url) => inTime(600_000)(url, { signal: gone }));
  expect(error).toMatchObject({ name: 'AbortError' });
});

it('what is answered in time is the answer', async () => {
  const answer: RequestListener = (_, reply) => void reply.end('here');
  expect(await at(answer, (url) => inTime(600_000)(url).then((reply) => reply.text()))).toBe('here');
});
