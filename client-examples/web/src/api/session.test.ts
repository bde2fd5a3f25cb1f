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
    session.end();
    expect(session.isOver).toBe(true);
    expect(kept.token).toBeNull();
    expect(session.onEnd).toHaveBeenCalledTimes(1);
  });
});
