import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Session } from './session.mjs';

/**
 * Someone signed in at a server whose refresh tokens work once, and the tokens that it was sent.
 *
 * @param {import('node:test').TestContext} context
 */
async function signedIn(context) {
  /** @type {string[]} */
  const sent = [];
  const http = createServer(async (request, response) => {
    const { variables } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    sent.push(variables.input.refreshToken);
    const tokens = { accessToken: `access ${sent.length}`, refreshToken: `refresh ${sent.length}` };
    response.end(JSON.stringify({ data: { session: { tokens, userErrors: [] } } }));
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  context.after(() => {
    http.close();
    http.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  const session = new Session(`http://127.0.0.1:${port}`, { accessToken: 'access 0', refreshToken: 'refresh 0' });
  return { session, sent };
}

test('all whose token is refused share one renewal', async (context) => {
  const { session, sent } = await signedIn(context);
  assert.equal(await session.accessToken(), 'access 0');
  session.renew('access 0');
  session.renew('access 0');
  assert.deepEqual(await Promise.all([session.accessToken(), session.accessToken()]), ['access 1', 'access 1']);
  assert.deepEqual(sent, ['refresh 0']);

  // the next is renewed when its turn has come
  session.renew('access 1');
  assert.equal(await session.accessToken(), 'access 2');
  assert.deepEqual(sent, ['refresh 0', 'refresh 1']);
});

test('a refusal of a token that was replaced meanwhile is no reason to renew', async (context) => {
  const { session, sent } = await signedIn(context);
  session.renew('access 0');
  assert.equal(await session.accessToken(), 'access 1');
  session.renew('access 0');
  assert.equal(await session.accessToken(), 'access 1');
  assert.deepEqual(sent, ['refresh 0']);
});
