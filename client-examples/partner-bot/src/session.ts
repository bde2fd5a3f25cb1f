import { RenewDocument, SignInDocument, type SignedInFragment } from './gql/graphql.ts';
import { post, RequestError } from './http.ts';
import type { Memory, Tokens } from './memory.ts';

/** The account does not let us in: nothing that can be mended by trying again. */
export class SignInError extends Error {}

/**
 * Somebody who is signed in. An access token lives for minutes; once it is refused, `renewed` has another.
 *
 * A refresh token works once. If the answer to a renewal is lost on the way, the old one is used up and the new one unknown: then
 * the password is asked for again, which a bot has and a person would have to type.
 */
export class Session {
  readonly #server: string;
  readonly #login: { email: string; password: string };
  readonly #memory: Memory;
  #tokens: Tokens | undefined;
  #renewal: Promise<string> | undefined;

  constructor(server: string, login: { email: string; password: string }, memory: Memory) {
    this.#server = server;
    this.#login = login;
    this.#memory = memory;
  }

  /** The token to try. Signs in if there is none yet. */
  async accessToken(): Promise<string> {
    this.#tokens ??= await this.#memory.read();
    return this.#tokens?.accessToken ?? this.renewed(undefined);
  }

  /** A token other than `refused`. Several who ask at once get the same. */
  async renewed(refused: string | undefined): Promise<string> {
    if (this.#tokens && this.#tokens.accessToken !== refused) return this.#tokens.accessToken;
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  async #renew(): Promise<string> {
    const refreshToken = this.#tokens?.refreshToken;
    const renewed = refreshToken && (await post(this.#server, RenewDocument, { input: { refreshToken } })).session;
    this.#tokens = (renewed && tokensOf(renewed)) || (await this.#signIn());
    await this.#memory.write(this.#tokens);
    return this.#tokens.accessToken;
  }

  async #signIn(): Promise<Tokens> {
    const { session } = await post(this.#server, SignInDocument, { input: this.#login });
    const tokens = tokensOf(session);
    if (!tokens) throw new SignInError(session.userErrors.map(({ message }) => message).join(' '));
    return tokens;
  }
}

function tokensOf({ tokens, userErrors }: SignedInFragment): Tokens | undefined {
  if (tokens) return tokens;
  // the refresh token is used up, or its session is over: the password is left
  if (userErrors.every(({ code }) => ['INVALID_TOKEN', 'INVALID_CREDENTIALS'].includes(code))) return undefined;
  const [problem] = userErrors;
  throw new RequestError(problem?.code ?? 'INTERNAL', problem?.message ?? '');
}
