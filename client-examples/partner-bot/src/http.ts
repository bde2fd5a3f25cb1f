import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';

/** A document of the generated code: its text, and the types of what it takes and gives. */
export type TypedDocument<Result, Variables> = DocumentTypeDecoration<Result, Variables> & { toString(): string };

/** A top-level error: the request was not carried out. What the rules refuse comes as `userErrors` instead. */
export class RequestError extends Error {
  readonly code: string;
  /** Milliseconds after which it is worth another try; absent: it is not. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(`${code}: ${message}`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server is somewhere behind a network that is not there. */
const UNREACHABLE_MS = 1_000;

/** How long an answer may take. */
const PATIENCE_MS = 10_000;

/** One request and its answer. Fails with a `RequestError`, whatever the reason. */
export async function post<Result, Variables>(
  server: string,
  document: TypedDocument<Result, Variables>,
  variables: Variables,
  accessToken?: string,
  patienceMs = PATIENCE_MS,
): Promise<Result> {
  const reply = await fetch(new URL('/graphql', server), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json',
      ...(accessToken && { Authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query: document.toString(), variables }),
    signal: AbortSignal.timeout(patienceMs),
  }).catch((error: Error) => {
    throw new RequestError('UNREACHABLE', error.message, UNREACHABLE_MS);
  });
  const { data, errors } = await reply.json().catch(() => {
    // a proxy's page, or an answer that was cut off
    throw new RequestError('UNREACHABLE', `HTTP ${reply.status} without an answer`, UNREACHABLE_MS);
  });
  const [error] = errors ?? [];
  if (!error) return data;
  const { code = 'INTERNAL', retryable, retryAfterMs } = error.extensions ?? {};
  throw new RequestError(code, error.message, retryAfterMs ?? (retryable ? UNREACHABLE_MS : undefined));
}
