import { graphql, unmask } from '../gql';
import type { LoginInput, RegisterInput, ResetPasswordInput, SignedInFragment } from '../gql/graphql';
import { post } from './post';
import { Problem } from './problem';
import { isUnsigned } from './refusal';

export const SignedIn = graphql(`
  fragment SignedIn on AuthPayload {
    tokens {
      accessToken
      refreshToken
    }
    user {
      id
      name
      role
    }
    userErrors {
      ...Problem
    }
  }
`);

const LOGIN = graphql(`
  mutation Login($input: LoginInput!) {
    session: login(input: $input) {
      ...SignedIn
    }
  }
`);

const REGISTER = graphql(`
  mutation Register($input: RegisterInput!) {
    session: register(input: $input) {
      ...SignedIn
    }
  }
`);

const RESET = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) {
    session: resetPassword(input: $input) {
      ...SignedIn
    }
  }
`);

const RENEW = graphql(`
  mutation Renew($input: RefreshTokensInput!) {
    session: refreshTokens(input: $input) {
      ...SignedIn
    }
  }
`);

export type Tokens = NonNullable<SignedInFragment['tokens']>;
export type Person = NonNullable<SignedInFragment['user']>;
export type Renewal = { tokens: Tokens } | 'ended';

/** Why nobody is signed in any more: they have signed out here, or the server has no new tokens for them. */
export type Farewell = 'left' | 'ended';

/** Where the refresh token outlives a reload: nothing else of a session is written anywhere. */
export interface Shelf {
  get(): string | null;
  set(refreshToken: string | null): void;
}

/** The tab's own: another tab is another session, so that no two ever use one refresh token, which works once. */
export const tabShelf: Shelf = {
  get: () => sessionStorage.getItem('quick-commerce.refresh'),
  set: (token) => {
    if (token === null) sessionStorage.removeItem('quick-commerce.refresh');
    else sessionStorage.setItem('quick-commerce.refresh', token);
  },
};

/** Asks for new tokens. Fails when the server cannot be asked; `ended` is its word that there are none to be had. */
async function askForTokens(refreshToken: string): Promise<Renewal> {
  const { tokens } = unmask(SignedIn, (await post(RENEW, { input: { refreshToken } })).session);
  return tokens ? { tokens } : 'ended';
}

/** Somebody who is signed in, with an access token that is kept in memory and renewed once it is refused. */
export class Session {
  readonly person: Person;
  /** Called once, when it is over: then only signing in again helps. */
  onEnd: (farewell: Farewell) => void = () => {};
  isOver = false;
  #accessToken: string;
  #refreshToken: string;
  #isRefused = false;
  #renewal: Promise<void> | undefined;
  readonly #shelf: Shelf;
  readonly #ask: (refreshToken: string) => Promise<Renewal>;

  constructor(person: Person, tokens: Tokens, shelf: Shelf = tabShelf, ask = askForTokens) {
    this.person = person;
    this.#accessToken = tokens.accessToken;
    this.#refreshToken = tokens.refreshToken;
    this.#shelf = shelf;
    this.#ask = ask;
    shelf.set(tokens.refreshToken);
  }

  /** `token` was refused. One that has been replaced meanwhile says nothing about the present one. */
  refused(token: string): void {
    if (token === this.#accessToken) this.#isRefused = true;
  }

  /** Never fails: while the server is away the old token is as good as any, and is refused once it is back. */
  async accessToken(): Promise<string> {
    if (this.#isRefused && !this.isOver) await this.#renewed();
    return this.#accessToken;
  }

  /**
   * Ends it here at once, and then at the server: `tell` shows it an access token, and fails when that is refused. Never
   * fails: while the server is away nothing can be ended there.
   */
  async leave(tell: (accessToken: string) => Promise<unknown>): Promise<void> {
    this.#end('left');
    // A renewal that is under way uses the refresh token up: only what it brings can end the session.
    await this.#renewal;
    const accessToken = this.#accessToken;
    try {
      await tell(accessToken);
    } catch (error) {
      if (!isUnsigned(error)) return;
      await this.#renewed();
      if (this.#accessToken !== accessToken) await tell(this.#accessToken).catch(() => {});
    }
  }

  #end(farewell: Farewell): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#shelf.set(null);
    this.onEnd(farewell);
  }

  /** A refresh token works once, so everybody who needs a new token waits for the same answer. */
  #renewed(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<void> {
    const renewal = await this.#ask(this.#refreshToken).catch(() => undefined);
    if (renewal === 'ended') this.#end('ended');
    else if (renewal) {
      this.#accessToken = renewal.tokens.accessToken;
      this.#refreshToken = renewal.tokens.refreshToken;
      this.#isRefused = false;
      // Whoever has signed out meanwhile is not signed in again by a reload.
      if (!this.isOver) this.#shelf.set(this.#refreshToken);
    }
  }
}

export async function login(input: LoginInput) {
  return entered(unmask(SignedIn, (await post(LOGIN, { input })).session));
}

export async function register(input: RegisterInput) {
  return entered(unmask(SignedIn, (await post(REGISTER, { input })).session));
}

export async function resetPassword(input: ResetPasswordInput) {
  return entered(unmask(SignedIn, (await post(RESET, { input })).session));
}

let restoring: Promise<Session | 'ended' | null> | undefined;

/**
 * The session that this tab had before it was reloaded; null when it had none. Fails while the server is away. The refresh
 * token works once, so however many ask, it is shown once.
 */
export function restore(): Promise<Session | 'ended' | null> {
  restoring ??= restoreFrom(tabShelf).finally(() => {
    restoring = undefined;
  });
  return restoring;
}

async function restoreFrom(shelf: Shelf): Promise<Session | 'ended' | null> {
  const refreshToken = shelf.get();
  if (refreshToken === null) return null;
  const { tokens, user } = unmask(SignedIn, (await post(RENEW, { input: { refreshToken } })).session);
  if (tokens && user) return new Session(user, tokens, shelf);
  shelf.set(null);
  return 'ended';
}

function entered({ tokens, user, userErrors }: SignedInFragment) {
  return tokens && user
    ? { session: new Session(user, tokens), problems: [] }
    : { session: null, problems: unmask(Problem, userErrors) };
}

const LOGOUT = graphql(`
  mutation Logout {
    logout {
      sessionsEnded
    }
  }
`);

/** Ends the session here at once, and at the server when it can be reached. */
export function logout(session: Session): Promise<void> {
  return session.leave((accessToken) => post(LOGOUT, {}, accessToken));
}
