import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { GraphQLError } from 'graphql';
import { OffersDocument } from './gql/graphql.ts';
import { connect, deferred, quiet } from './testing.ts';

const near = { latitude: 0, longitude: 0 };

function offer(cursor: string) {
  return { data: { offers: { __typename: 'OrderUnavailable', cursor, orderId: 'ord_1' } } };
}

test('a subscription that the server ends is begun again, behind the last cursor', { timeout: 30_000 }, async (context) => {
  const asked: unknown[] = [];
  const { line } = await connect(context, {
    async *subscribe({ variableValues }) {
      asked.push(variableValues?.after);
      yield offer(`cursor ${asked.length}`);
    },
  });
  await new Promise<void>((resolve) => {
    const item = ({ cursor }: { cursor: string }) => cursor === 'cursor 2' && resolve(stop());
    const stop = line.watch(OffersDocument, { near, radiusKm: 1 }, { item });
  });
  assert.deepEqual(asked, [undefined, 'cursor 1']);
});

test('one that was stopped here did not end', { timeout: 30_000 }, async (context) => {
  const { line, sockets } = await connect(context, {
    async *subscribe() {
      yield offer('cursor');
      await new Promise(quiet);
    },
  });
  let hasEnded = false;
  await new Promise<void>((resolve) => {
    const stop = line.watch(OffersDocument, { near, radiusKm: 1 }, { item: () => resolve(stop()), end: () => (hasEnded = true) });
  });
  // the client closes a socket that nobody needs any more
  await Promise.all([...sockets.clients].map((socket) => once(socket, 'close')));
  assert.equal(hasEnded, false);
});

test('a subscription that will be refused again is given up', { timeout: 30_000 }, async (context) => {
  let asked = 0;
  const failed = deferred<unknown>();
  const { line } = await connect(context, {
    async *subscribe() {
      asked += 1;
      throw new GraphQLError('That is for partners.', { extensions: { code: 'FORBIDDEN', retryable: false } });
    },
    fail: failed.resolve,
  });
  line.watch(OffersDocument, { near, radiusKm: 1 }, { item: quiet });
  assert.match(String(await failed.promise), /refused: That is for partners\./);
  assert.equal(asked, 1);
});

test('one that may go on later is asked for again, later each time', { timeout: 30_000 }, async (context) => {
  const asked: number[] = [];
  const thrice = deferred<void>();
  const { line } = await connect(context, {
    async *subscribe() {
      asked.push(performance.now());
      if (asked.length === 3) thrice.resolve();
      throw new GraphQLError('It took too long.', { extensions: { code: 'TIMEOUT', retryable: true } });
    },
  });
  const stop = line.watch(OffersDocument, { near, radiusKm: 1 }, { item: quiet });
  await thrice.promise;
  stop();
  const [first = 0, second = 0, third = 0] = asked;
  assert.ok(second - first >= 499 && third - second >= 999, `${asked}`);
});

test('a server that takes none of the tokens that it gives is given up', { timeout: 30_000 }, async (context) => {
  const refused: unknown[] = [];
  let renewed = 0;
  const failed = deferred<unknown>();
  const { line } = await connect(context, {
    answer: (_request, response) => {
      const tokens = { accessToken: `new ${++renewed}`, refreshToken: 'another' };
      response.end(JSON.stringify({ data: { session: { tokens, userErrors: [] } } }));
    },
    onConnect: ({ connectionParams }) => {
      refused.push(connectionParams?.Authorization);
      return false;
    },
    fail: failed.resolve,
  });
  const stop = line.watch(OffersDocument, { near, radiusKm: 1 }, { item: quiet });
  assert.match(String(await failed.promise), /refuses each token/);
  assert.deepEqual(refused, ['Bearer one', 'Bearer new 1', 'Bearer new 2', 'Bearer new 3']);
  stop();
});
