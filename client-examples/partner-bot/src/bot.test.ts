import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Bot, type Plan } from './bot.ts';
import { SignInError } from './session.ts';
import { connect, quiet } from './testing.ts';

const home = { latitude: 12.5, longitude: 77.5 };
const rule = { maxPickupKm: 1, maxDistanceKm: 1, minPayout: 0, minPayoutPerKm: 0 };
const plan: Plan = { home, radiusKm: 1, speedKmh: 1, tickMs: 1, reportMs: 50, timeLapse: 1, rule };
const nowhere = async () => undefined;

/** Answers that end a bot: its token does not work any more, nor does its password. */
const respondRefusing: RequestListener = (request, response) => {
  const refused = { tokens: null, userErrors: [{ code: 'INVALID_CREDENTIALS', message: 'That is not the password.' }] };
  const isSigningIn = request.headers.authorization === undefined;
  const errors = [{ message: 'The access token is worn out.', extensions: { code: 'INVALID_TOKEN' } }];
  response.end(JSON.stringify(isSigningIn ? { data: { session: refused } } : { errors }));
};

test('an account that is not let in any more goes offline without a fault', { timeout: 30_000 }, async (context) => {
  const { line } = await connect(context, { answer: respondRefusing });
  await new Bot(line, plan, nowhere, quiet).goOffline();
});

test('one who waits says again where it is, and once why that is not known', { timeout: 30_000 }, async (context) => {
  const said: object[] = [];
  const points: unknown[] = [];
  const busy = { errors: [{ message: 'There were too many.', extensions: { code: 'RATE_LIMITED', retryAfterMs: 1 } }] };
  const refused = { data: { reportLocation: { userErrors: [{ code: 'INVALID_INPUT', message: 'That is nowhere.' }] } } };
  const taken = { data: { reportLocation: { userErrors: [] } } };
  const answers = [refused, refused, busy, taken, refused];
  const answer: RequestListener = async (request, response) => {
    const { query, variables } = JSON.parse(await text(request));
    const respond = (body: object) => response.end(JSON.stringify(body));
    if (query.includes('query TakeUp')) {
      return respond({ data: { viewer: { user: { partner: { capacity: 1, location: null } } }, partner: { deliveries: { nodes: [] } } } });
    }
    if (query.includes('mutation SetAvailability')) return respond({ data: { setAvailability: { userErrors: [] } } });
    const next = query.includes('mutation ReportLocation') && answers.shift();
    if (!next) return respondRefusing(request, response);
    points.push(variables.input.point);
    respond(next);
  };
  const { line } = await connect(context, {
    answer,
    async *subscribe() {
      await new Promise(quiet);
    },
    fail: quiet,
  });
  const bot = new Bot(line, plan, nowhere, (event, about) => void said.push({ event, ...about }));
  await assert.rejects(bot.run(), SignInError);
  assert.deepEqual(points, Array(5).fill(home));
  const isNowhere = { event: 'not reported', why: 'That is nowhere.' };
  assert.deepEqual(said, [isNowhere, { event: 'not reported', why: 'RATE_LIMITED: There were too many.' }, isNowhere]);
});

test('offers that the first snapshot had no room for come up once others have gone', { timeout: 30_000 }, async (context) => {
  const asked: unknown[] = [];
  const claimed: unknown[] = [];
  const snapshot = (orders: object[], more: boolean) => ({
    data: { offers: { __typename: 'AvailableOrdersSnapshot', cursor: 'the snapshot', orders, more } },
  });
  const offer = (orderId: string, pickup: object) => ({ orderId, number: orderId, pickup, distanceKm: 1, payout: { amount: '50.00' } });
  const answer: RequestListener = async (request, response) => {
    const { query, variables } = JSON.parse(await text(request));
    const respond = (data: object) => response.end(JSON.stringify({ data }));
    if (query.includes('query TakeUp')) {
      return respond({ viewer: { user: { partner: { capacity: 1, location: null } } }, partner: { deliveries: { nodes: [] } } });
    }
    if (query.includes('mutation SetAvailability')) return respond({ setAvailability: { userErrors: [] } });
    if (query.includes('mutation ClaimOrder')) {
      claimed.push(variables.input.orderId);
      return respond({ claimOrder: { order: null, userErrors: [{ code: 'CLAIM_LOST', message: 'It is taken.', reason: 'TAKEN' }] } });
    }
    if (!claimed.length && query.includes('mutation ReportLocation')) return respond({ reportLocation: { userErrors: [] } });
    // it has done what it is to do: this ends it
    respondRefusing(request, response);
  };
  const { line } = await connect(context, {
    answer,
    async *subscribe({ variableValues }) {
      asked.push(variableValues?.after);
      if (asked.length === 1) {
        // none that the rule is for
        yield snapshot([offer('ord_far', { latitude: 0, longitude: 0 }), offer('ord_farther', { latitude: -1, longitude: 0 })], true);
        yield { data: { offers: { __typename: 'OrderUnavailable', cursor: 'a change', orderId: 'ord_far' } } };
      } else {
        yield snapshot([offer('ord_farther', { latitude: -1, longitude: 0 }), offer('ord_near', home)], false);
      }
      await new Promise(quiet);
    },
    fail: quiet,
  });
  await assert.rejects(new Bot(line, plan, nowhere, quiet).run(), SignInError);
  assert.deepEqual(claimed, ['ord_near']);
  assert.deepEqual(asked, [undefined, undefined]);
});
