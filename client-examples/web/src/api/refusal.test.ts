import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { VerifyEmailDocument } from '../gql/graphql';
import { post } from './post';
import { isLimited, isUndecided, refusalsOf, sentence, waitOf } from './refusal';
import { mayGoWell } from './retry';

afterEach(() => void vi.unstubAllGlobals());

const limited = (extensions: Record<string, unknown> = {}) => ({
  message: 'Too many requests come from your address.',
  extensions: { code: 'RATE_LIMITED', retryable: true, ...extensions },
});

/** As nginx answers whoever asks too often. */
const byNginx = () =>
  Response.json({ errors: [limited()] }, { status: 429, headers: { 'Retry-After': '1' } });

/** As Apollo tells of an answer that is not of the API's media type. */
async function told(response: Response) {
  return new ServerError('no', { response, bodyText: await response.text() });
}

describe('who asked too much', () => {
  it('is told when to ask again, as the server names it', () => {
    const error = new CombinedGraphQLErrors({ errors: [limited({ retryAfterMs: 39_100 })] });
    expect([isLimited(error), mayGoWell(error), waitOf(error)]).toEqual([true, true, 39_100]);
    expect(sentence(error)).toBe('Too much was asked at once. Try again in 40 s.');
  });

  it('is told when to ask again, as nginx names it', async () => {
    const error = await told(byNginx());
    expect(refusalsOf(error)).toEqual([limited()]);
    expect([isLimited(error), mayGoWell(error), waitOf(error)]).toEqual([true, true, 1_000]);
    expect(sentence(error)).toBe('Too much was asked at once. Try again in 1 s.');
  });

  it('may ask again, also when nothing is said but the status', async () => {
    const error = await told(new Response('busy', { status: 429 }));
    expect([isLimited(error), mayGoWell(error), waitOf(error)]).toEqual([true, true, 0]);
    expect(sentence(error)).toBe('Too much was asked at once. Try again in a moment.');
  });
});

it.each([
  ['an answer that cannot be read', '<html>', 'The server cannot be reached just now.'],
  ['what calls something else errors', '{"errors":"none"}', 'The server cannot be reached just now.'],
  ['what tells of nothing', '{"errors":[null,{}]}', 'The server cannot be reached just now.'],
  ['an answer that is nothing', 'null', 'The server cannot be reached just now.'],
  ['what stands before the server', '{"errors":[{"message":"It is too large."}]}', 'It is too large.'],
])('%s is told as it is', async (_, body, text) => {
  const error = await told(new Response(body, { status: 413, headers: { 'Retry-After': 'tomorrow' } }));
  expect([sentence(error), waitOf(error), isLimited(error)]).toEqual([text, 0, false]);
});

it.each([
  ['BAD_REQUEST', false],
  ['FORBIDDEN', false],
  ['RATE_LIMITED', false],
  ['INTERNAL', true],
  ['TIMEOUT', true],
  ['UNAVAILABLE', true],
])('whether it may have been done that was answered by %s', (code, mayBe) => {
  expect(isUndecided(new CombinedGraphQLErrors({ errors: [{ message: 'No.', extensions: { code } }] }))).toBe(
    mayBe,
  );
});

it('what has no answer may have been done', () => {
  expect(isUndecided(new TypeError('Failed to fetch'))).toBe(true);
});

describe('a request without a cache', () => {
  const ask = () => post(VerifyEmailDocument, { input: { token: 't' } });

  it('fails with why it was refused, and for how long', async () => {
    vi.stubGlobal('fetch', async () =>
      Response.json({ errors: [limited({ retryAfterMs: 900_000 })] }, { status: 429 }),
    );
    const error = await ask().catch((reason: unknown) => reason);
    expect(sentence(error)).toBe('Too much was asked at once. Try again in 15 min.');
  });

  it('fails when the answer is none of the API', async () => {
    vi.stubGlobal('fetch', async () => new Response('', { status: 500 }));
    const error = await ask().catch((reason: unknown) => reason);
    expect(sentence(error)).toBe('The server cannot be reached just now.');
  });

  it('brings the data', async () => {
    vi.stubGlobal('fetch', async () => Response.json({ data: { result: null } }));
    expect(await ask()).toEqual({ result: null });
  });
});
