import { ApolloClient, ApolloLink, execute, gql, InMemoryCache } from '@apollo/client';
import { ServerError } from '@apollo/client/errors';
import { firstValueFrom, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Session } from './session';
import { signed } from './signed';

const NOWHERE = { get: () => 'r1', set: () => {} };

/** What a request is answered, by a server that takes no token but `good` and says so by `refuse`. */
async function ask(good: string, refuse: () => ReturnType<ApolloLink['request']>) {
  const shown: unknown[] = [];
  const server = new ApolloLink((operation) => {
    const { headers } = operation.getContext() as { headers?: { Authorization: string } };
    shown.push(headers?.Authorization);
    return headers?.Authorization === `Bearer ${good}` ? of({ data: { version: '1' } }) : refuse();
  });
  const person = { id: 'usr_1', name: 'Asha', role: 'CUSTOMER' } as const;
  const session = new Session(person, { accessToken: 'a1', refreshToken: 'r1' }, NOWHERE, async () => ({
    tokens: { accessToken: 'a2', refreshToken: 'r2' },
  }));
  const client = new ApolloClient({ cache: new InMemoryCache(), link: server });
  const answer = execute(signed(session).concat(server), { query: gql('{ version }') }, { client });
  return { shown, result: firstValueFrom(answer) };
}

const byErrors = () => of({ errors: [{ message: 'worn out', extensions: { code: 'INVALID_TOKEN' } }] });
const byStatus = () =>
  throwError(
    () => new ServerError('worn out', { response: new Response(null, { status: 401 }), bodyText: '' }),
  );

describe('a request', () => {
  it('shows the access token', async () => {
    const { shown, result } = await ask('a1', byErrors);
    expect(await result).toEqual({ data: { version: '1' } });
    expect(shown).toEqual(['Bearer a1']);
  });

  it.each([
    ['in the answer', byErrors],
    ['by the status', byStatus],
  ])('is sent once more with a new token when the old one is refused %s', async (_, refuse) => {
    const { shown, result } = await ask('a2', refuse);
    expect(await result).toEqual({ data: { version: '1' } });
    expect(shown).toEqual(['Bearer a1', 'Bearer a2']);
  });

  it('is not sent a third time', async () => {
    const { shown, result } = await ask('a3', byErrors);
    expect((await result).errors).toHaveLength(1);
    expect(shown).toEqual(['Bearer a1', 'Bearer a2']);
  });
});
