import { ApolloClient, ApolloLink, execute, gql, InMemoryCache } from '@apollo/client';
import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { firstValueFrom, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { patient } from './patient';

const ANSWER = { data: { version: '1' } };

/** What is answered at last, and how often a server was asked that refuses `times` times and then answers. */
async function ask(refuse: () => ReturnType<ApolloLink['request']>, times: number, document = '{ version }') {
  let asked = 0;
  const server = new ApolloLink(() => (++asked > times ? of(ANSWER) : refuse()));
  const client = new ApolloClient({ cache: new InMemoryCache(), link: server });
  const answer = execute(patient(1).concat(server), { query: gql(document) }, { client });
  const result = await firstValueFrom(answer).catch((error: unknown) => error);
  return { asked, result };
}

const nobody = () => throwError(() => new TypeError('Failed to fetch'));
const status = (code: number) => () =>
  throwError(() => new ServerError('no', { response: new Response(null, { status: code }), bodyText: '' }));
const said = (retryable: boolean) => () =>
  of({ errors: [{ message: 'no', extensions: { code: 'UNAVAILABLE', retryable } }] });
const limited = (retryAfterMs: number) => () =>
  of({ errors: [{ message: 'no', extensions: { code: 'RATE_LIMITED', retryable: true, retryAfterMs } }] });

describe('a query', () => {
  it.each([
    ['nobody is there', nobody],
    ['what stands before the server finds nobody', status(503)],
    ['what stands before the server is asked too often', status(429)],
    ['it is told that it may go well later', said(true)],
  ])('is asked again while %s', async (_, refuse) => {
    expect(await ask(refuse, 3)).toEqual({ asked: 4, result: ANSWER });
  });

  it('is not asked again before the time that its answer names', async () => {
    const began = performance.now();
    expect(await ask(limited(300), 1)).toEqual({ asked: 2, result: ANSWER });
    expect(performance.now() - began).toBeGreaterThanOrEqual(299);
  });

  it('is given up in the end, with the reason', async () => {
    const { asked, result } = await ask(said(true), 1_000);
    expect(asked).toBe(6);
    expect(CombinedGraphQLErrors.is(result)).toBe(true);
    expect((await ask(nobody, 1_000)).result).toBeInstanceOf(TypeError);
  });

  it.each([
    ['the server says that it never will', said(false)],
    ['it is refused', status(400)],
    ['it is to wait for so long that its page should say so', limited(60_000)],
    ['it has waited for so long', () => throwError(() => new DOMException('Too late', 'TimeoutError'))],
  ])('is not asked again when %s', async (_, refuse) => {
    expect((await ask(refuse, 1_000)).asked).toBe(1);
  });

  it('keeps what it was answered beside errors', async () => {
    const part = { data: { version: null }, errors: [{ message: 'no', extensions: { retryable: true } }] };
    expect(await ask(() => of(part), 1_000)).toEqual({ asked: 1, result: part });
  });
});

describe('a mutation', () => {
  it.each([
    ['nobody is there', nobody],
    ['it may go well later', said(true)],
  ])('is sent once, also when %s', async (_, refuse) => {
    expect((await ask(refuse, 1_000, 'mutation { logout { version } }')).asked).toBe(1);
  });
});
