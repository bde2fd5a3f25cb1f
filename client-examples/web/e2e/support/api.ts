/** Somebody's other device: the API itself, past the site. */
export class Device {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async signIn(url: string, who: string): Promise<Device> {
    const input = { email: `${who}@demo.test`, password: 'quick-commerce' };
    const data = await post<{ login: { tokens: { accessToken: string } } }>(
      url,
      'mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken } } }',
      { input },
    );
    return new Device(url, data.login.tokens.accessToken);
  }

  /** A query. */
  look<Data>(document: string, variables: object): Promise<Data> {
    return post<Data>(this.#url, document, variables, this.#token);
  }

  /** A mutation of one field, `result`, which must not be refused. */
  async ask<Result = unknown>(document: string, input: Record<string, unknown>): Promise<Result> {
    const { result } = await post<{ result: Result & { userErrors: { message: string }[] } }>(
      this.#url,
      document,
      { input },
      this.#token,
    );
    if (result.userErrors.length > 0)
      throw new Error(result.userErrors.map(({ message }) => message).join(' '));
    return result;
  }
}

export async function post<Data>(
  url: string,
  query: string,
  variables: object,
  token?: string,
): Promise<Data> {
  const reply = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors }: { data?: Data; errors?: { message: string }[] } = await reply.json();
  if (!data) throw new Error(errors?.[0]?.message ?? `HTTP ${reply.status}`);
  return data;
}
