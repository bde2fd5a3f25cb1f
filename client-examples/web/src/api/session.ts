import { graphql, unmask } from '../gql';
import type { LoginInput, RegisterInput, ResetPasswordInput, SignedInFragment } from '../gql/graphql';
import { post } from './post';
import { Problem } from './problem';

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
  /** Called once, when the server has ended the session: then only signing in again helps. */
  onEnd: () => void = () => {};
  isOver = false;
  #accessToken: string;
  #isRefused = false;
  #renewal: Promise<void> | undefined;
  readonly #shelf: Shelf;
  readonly #ask: (refreshToken: string) => Promise<Renewal>;

  constructor(person: Person, tokens: Tokens, shelf: Shelf = tabShelf, ask = askForTokens) {
    this.person = person;
    this.#accessToken = tokens.accessToken;
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
    if (this.#isRefused && !this.isOver) {
      // A refresh token works once, so everybody who needs a new token waits for the same answer.
      this.#renewal ??= this.#renew().finally(() => {
        this.#renewal = undefined;
      });
      await this.#renewal;
    }
    return this.#accessToken;
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#shelf.set(null);
    this.onEnd();
  }

  async #renew(): Promise<void> {
    const refreshToken = this.#shelf.get();
    const renewal = refreshToken === null ? 'ended' : await this.#ask(refreshToken).catch(() => undefined);
    if (renewal === 'ended') this.end();
    else if (renewal) {
      this.#accessToken = renewal.tokens.accessToken;
      this.#shelf.set(renewal.tokens.refreshToken);
      this.#isRefused = false;
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

let restoring: Promise<Session | null> | undefined;

/**
 * The session that this tab had before it was reloaded; null when there is none. Fails while the server is away. The refresh
 * token works once, so however many ask, it is shown once.
 */
export function restore(): Promise<Session | null> {
  restoring ??= restoreFrom(tabShelf).finally(() => {
    restoring = undefined;
  });
  return restoring;
}

async function restoreFrom(shelf: Shelf): Promise<Session | null> {
  const refreshToken = shelf.get();
  if (refreshToken === null) return null;
  const { tokens, user } = unmask(SignedIn, (await post(RENEW, { input: { refreshToken } })).session);
  if (tokens && user) return new Session(user, tokens, shelf);
  shelf.set(null);
  return null;
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
export async function logout(session: Session): Promise<void> {
  const token = await session.accessToken();
  session.end();
  await post(LOGOUT, {}, token).catch(() => {});
}
