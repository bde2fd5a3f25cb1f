import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { buildSchema, type ExecutionArgs } from 'graphql';
import type { ServerOptions } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { Line } from './line.ts';
import { Memory } from './memory.ts';
import { Session } from './session.ts';

const schema = buildSchema(await readFile(new URL('../../../schema.graphql', import.meta.url), 'utf8'));

export const quiet = () => {};

/** As `Promise.withResolvers`, which Node 20 does not have. */
export function deferred<Value>() {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** What a server of a test does, and who hears of it. */
interface FakeServer {
  /** Answers requests; nobody does when it is absent. */
  answer?: RequestListener;
  subscribe?: (args: ExecutionArgs) => AsyncIterable<object>;
  /** Whether a token is good for a socket. */
  onConnect?: ServerOptions['onConnect'];
  say?: (event: string, about?: object) => void;
  fail?: (why: unknown) => void;
}

/** A line to a server of our own, and that server's sockets. */
export async function connect(context: TestContext, fake: FakeServer) {
  const http = createServer(fake.answer ?? quiet).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const sockets = new WebSocketServer({ server: http, path: '/graphql' });
  useServer({ schema, subscribe: fake.subscribe as never, onConnect: fake.onConnect as never }, sockets);
  const folder = await mkdtemp(join(tmpdir(), 'partner-bot-'));
  const memory = new Memory(join(folder, 'state.json'), 'the test');
  await memory.write({ accessToken: 'one', refreshToken: 'another' });
  const server = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const session = new Session(server, { email: '', password: '' }, memory);
  const line = new Line(server, session, fake.say ?? quiet, fake.fail ?? assert.ifError);
  context.after(async () => {
    await line.close();
    http.close();
    http.closeAllConnections();
    await rm(folder, { recursive: true });
  });
  return { line, sockets };
}
