import { ServerError } from '@apollo/client/errors';
import { describe, expect, it, vi } from 'vitest';
import { type Renewal, Session, type Shelf } from './session';

const PERSON = { id: 'usr_1', name: 'Asha', role: 'CUSTOMER' } as const;

function shelf(): Shelf & { token: string | null } {
  return {
    token: null,
    get() {
      return this.token;
    },
    set(token) {
      this.token = token;
    },
  };
}

describe('a session', () => {
  it('keeps the refresh token, and the access token to itself', async () => {
    const kept = shelf();
    const session = new Session(PERSON, { accessToken: 'a1', refreshToken: 'r1' }, kept);
    expect(kept.token).toBe('r1');
    expect(await session.accessToken()).toBe('a1');
  });

  it('is renewed once for all who wait', async () => {
    const ask = vi.fn(async (): Promise<Renewal> => ({ tokens: { accessToken: 'a2', refreshToken: 'r2' } }));
    const kept = shelf();
    const session = new Session(PERSON, { accessToken: 'a1', refreshToken: 'r1' }, kept, ask);
    session.refused('a1');
    expect(await Promise.all([session.accessToken(), session.accessToken()])).toEqual(['a2', 'a2']);
    expect(ask.mock.calls).toEqual([['r1']]);
    expect(kept.token).toBe('r2');
  });

  it('is not renewed for a token that has been replaced', async () => {
    const ask = vi.fn(async (): Promise<Renewal> => ({ tokens: { accessToken: 'a2', refreshToken: 'r2' } }));
    const session = new Session(PERSON, { accessToken: 'a1', refreshToken: 'r1' }, shelf(), ask);
    session.refused('a1');
    await session.accessToken();
    session.refused('a1');
    expect(await session.accessToken()).toBe('a2');
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('goes on with the old token while the server is away, and tries again', async () => {
    let isAway = true;
    const session = new Session(PERSON, { accessToken: 'a1', refreshToken: 'r1' }, shelf(), async () => {
      if (isAway) throw new TypeError('Failed to fetch');
      return { tokens: { accessToken: 'a2', refreshToken: 'r2' } };
    });
    session.refused('a1');
    expect(await session.accessToken()).toBe('a1');
    isAway = false;
    expect(await session.accessToken()).toBe('a2');
  });

  it('is over when the server says so, once', async () => {
    const kept = shelf();
    const session = new Session(PERSON, { accessToken: 'a1', refreshToken: 'r1' }, kept, async () => 'ended');
    session.onEnd = vi.fn();
    session.refused('a1');
    await session.accessToken();
    await session.accessToken();
    expect(session.isOver).toBe(true);
    expect(kept.token).toBeNull();
    expect(session.onEnd).toHaveBeenCalledExactlyOnceWith('ended');
  });
});

describe('signing out', () => {
  const wornOut = () =>
    new ServerError('no', { response: new Response(null, { status: 401 }), bodyText: '' });

  /** A session, what becomes of it in turn, and a server that takes one access token and tells of no other. */
  function leaving(taken: string, renew: () => Promise<Renewal>) {
    const events: string[] = [];
    const kept = shelf();
    const tokens = { accessToken: 'a1', refreshToken: 'r1' };
    const session = new Session(PERSON, tokens, kept, (refreshToken) => {
      events.push(`renew ${refreshToken}`);
      return renew();
    });
    session.onEnd = (farewell) => events.push(farewell);
    const tell = async (accessToken: string) => {
      events.push(`tell ${accessToken}`);
      if (accessToken !== taken) throw wornOut();
    };
    return { session, kept, tell, events };
  }
  const renewed = { tokens: { accessToken: 'a2', refreshToken: 'r2' } };

  it('happens here at once, and then at the server', async () => {
    const { session, kept, tell, events } = leaving('a1', async () => renewed);
    await session.leave(tell);
    expect(events).toEqual(['left', 'tell a1']);
    expect(kept.token).toBeNull();
  });

  it('with a worn out token ends the session at the server all the same', async () => {
    const { session, kept, tell, events } = leaving('a2', async () => renewed);
    await session.leave(tell);
    expect(events).toEqual(['left', 'tell a1', 'renew r1', 'tell a2']);
    expect(kept.token).toBeNull();
  });

  it('is over when there is no session at the server any more', async () => {
    const { session, tell, events } = leaving('a2', async () => 'ended');
    await session.leave(tell);
    expect(events).toEqual(['left', 'tell a1', 'renew r1']);
  });

  it('waits for no renewal, whose tokens are not kept', async () => {
    let answer = (_: Renewal) => {};
    const { session, kept, tell, events } = leaving('a2', () => new Promise((resolve) => (answer = resolve)));
    session.refused('a1');
    void session.accessToken();
    const told = session.leave(tell);
    expect(events).toEqual(['renew r1', 'left']);
    answer(renewed);
    await told;
    expect(events).toEqual(['renew r1', 'left', 'tell a2']);
    expect(kept.token).toBeNull();
  });

  it('does not fail while the server is away', async () => {
    const { session } = leaving('a1', async () => renewed);
    await expect(
      session.leave(() => Promise.reject(new TypeError('Failed to fetch'))),
    ).resolves.toBeUndefined();
  });
});
