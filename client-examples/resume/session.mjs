export const SIGN_IN = `mutation SignIn($input: LoginInput!) {
  session: login(input: $input) { tokens { accessToken refreshToken } userErrors { code message } }
}`;

export const RENEW = `mutation Renew($input: RefreshTokensInput!) {
  session: refreshTokens(input: $input) { tokens { accessToken refreshToken } userErrors { code message } }
}`;

/**
 * @typedef {{ accessToken: string, refreshToken: string }} Tokens
 * @typedef {{ tokens: Tokens | null, userErrors: Array<{ code: string, message: string }> }} Answer
 */

/** Someone who is signed in, with an access token that is renewed once it is refused. */
export class Session {
  /** Whether the server has ended it: then only signing in again helps. */
  isOver = false;
  #isRefused = false;
  /** @type {Promise<void> | undefined} */
  #renewal;
  #server;
  #tokens;

  /**
   * @param {string} server
   * @param {Tokens} tokens
   */
  constructor(server, tokens) {
    this.#server = server;
    this.#tokens = tokens;
  }

  /**
   * The access token `refused` was refused. One that was replaced meanwhile is no reason to renew the one that replaced it.
   *
   * @param {string | undefined} refused
   */
  renew(refused) {
    if (refused === this.#tokens.accessToken) this.#isRefused = true;
  }

  /** Never fails: while the server is away, the old token is as good as any, and is refused once it is back. */
  async accessToken() {
    // A refresh token works once, and the server ends the session of whoever sends it twice: all who ask share one renewal.
    if (this.#isRefused) await (this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined)));
    return this.#tokens.accessToken;
  }

  async #renew() {
    const { refreshToken } = this.#tokens;
    const answer = await ask(this.#server, RENEW, { refreshToken }).catch(() => undefined);
    if (answer?.tokens) {
      this.#tokens = answer.tokens;
      this.#isRefused = false;
    } else if (answer?.userErrors.some(({ code }) => code === 'INVALID_TOKEN')) {
      this.isOver = true;
    }
  }
}

/**
 * @param {string} server
 * @param {string} email
 * @param {string} password
 */
export async function signIn(server, email, password) {
  const { tokens, userErrors } = await ask(server, SIGN_IN, { email, password });
  if (!tokens) throw new Error(userErrors.map(({ message }) => message).join(' '));
  return new Session(server, tokens);
}

/**
 * @param {string} server
 * @param {string} query
 * @param {Record<string, unknown>} input
 * @returns {Promise<Answer>}
 */
async function ask(server, query, input) {
  const reply = await fetch(new URL('/graphql', server), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables: { input } }),
    signal: AbortSignal.timeout(5_000),
  });
  const { data, errors } = await reply.json();
  if (!data) throw new Error(errors?.[0]?.message ?? `HTTP ${reply.status}`);
  return data.session;
}
