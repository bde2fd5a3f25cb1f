import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { buildSchema, type ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { Bot } from './bot.ts';
import { OffersDocument } from './gql/graphql.ts';
import { Line } from './line.ts';
import { Memory } from './memory.ts';
import { Session } from './session.ts';

const near = { latitude: 0, longitude: 0 };
const schema = buildSchema(await readFile(new URL('../../../schema.graphql', import.meta.url), 'utf8'));
const quiet = () => {};

/** A line to a server that answers requests with `answer`, and subscriptions with what `subscribe` makes; and its sockets. */
async function connect(context: TestContext, answer: RequestListener, subscribe?: (args: ExecutionArgs) => AsyncIterable<object>) {
  const http = createServer(answer).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const sockets = new WebSocketServer({ server: http, path: '/graphql' });
  useServer({ schema, subscribe: subscribe as never }, sockets);
  const folder = await mkdtemp(join(tmpdir(), 'partner-bot-'));
  const memory = new Memory(join(folder, 'state.json'), 'the test');
  await memory.write({ accessToken: 'one', refreshToken: 'another' });
  const server = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const line = new Line(server, new Session(server, { email: '', password: '' }, memory), quiet, assert.ifError);
  context.after(async () => {
    line.close();
    http.close();
    http.closeAllConnections();
    await rm(folder, { recursive: true });
  });
  return { line, sockets };
}

function offer(cursor: string) {
  return { data: { offers: { __typename: 'OrderUnavailable', cursor, orderId: 'ord_1' } } };
}

test('a subscription that the server ends is begun again, behind the last cursor', { timeout: 30_000 }, async (context) => {
  const asked: unknown[] = [];
  const { line } = await connect(context, quiet, async function* ({ variableValues }) {
    asked.push(variableValues?.after);
    yield offer(`cursor ${asked.length}`);
  });
  await new Promise<void>((resolve) => {
    const item = ({ cursor }: { cursor: string }) => cursor === 'cursor 2' && resolve(stop());
    const stop = line.watch(OffersDocument, { near, radiusKm: 1 }, { item });
  });
  assert.deepEqual(asked, [undefined, 'cursor 1']);
});

test('one that was stopped here did not end', { timeout: 30_000 }, async (context) => {
  const { line, sockets } = await connect(context, quiet, async function* () {
    yield offer('cursor');
    await new Promise(quiet);
  });
  let hasEnded = false;
  await new Promise<void>((resolve) => {
    const stop = line.watch(OffersDocument, { near, radiusKm: 1 }, { item: () => resolve(stop()), end: () => (hasEnded = true) });
  });
  // the client closes a socket that nobody needs any more
  await Promise.all([...sockets.clients].map((socket) => once(socket, 'close')));
  assert.equal(hasEnded, false);
});

test('an account that is not let in any more goes offline without a fault', { timeout: 30_000 }, async (context) => {
  const refused = { tokens: null, userErrors: [{ code: 'INVALID_CREDENTIALS', message: 'That is not the password.' }] };
  const { line } = await connect(context, (request, response) => {
    const isSigningIn = request.headers.authorization === undefined;
    const errors = [{ message: 'The access token is worn out.', extensions: { code: 'INVALID_TOKEN' } }];
    response.end(JSON.stringify(isSigningIn ? { data: { session: refused } } : { errors }));
  });
  const rule = { maxPickupKm: 1, maxDistanceKm: 1, minPayout: 0, minPayoutPerKm: 0 };
  const plan = { home: near, radiusKm: 1, speedKmh: 1, tickMs: 1, timeLapse: 1, rule };
  await new Bot(line, plan, async () => undefined, quiet).goOffline();
});
