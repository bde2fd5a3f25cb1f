import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';

interface Refusal {
  message: string;
  extensions?: Record<string, unknown>;
}

interface Answer {
  data?: unknown;
  errors?: readonly Refusal[];
}

/** What an answer says, in whatever media type; nothing when it is no answer of the API. */
export function answerIn(bodyText: string): Answer {
  try {
    const answer: unknown = JSON.parse(bodyText);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {};
  }
}

/** What was said instead of data. What stands before the server says it as plain JSON, which Apollo leaves unread. */
export function refusalsOf(error: unknown): readonly Refusal[] {
  if (CombinedGraphQLErrors.is(error)) return error.errors;
  return ServerError.is(error) ? (answerIn(error.bodyText).errors ?? []) : [];
}

/** Whether too much was asked: nothing of it has happened. */
export function isLimited(error: unknown): boolean {
  if (ServerError.is(error) && error.statusCode === 429) return true;
  return refusalsOf(error).some(({ extensions }) => extensions?.code === 'RATE_LIMITED');
}

/** Milliseconds after which it may be asked again, as the answer names them; 0 when it names none. */
export function waitOf(error: unknown): number {
  const named = refusalsOf(error).map(({ extensions }) => Number(extensions?.retryAfterMs));
  const seconds = ServerError.is(error) ? Number(error.response.headers.get('Retry-After')) : 0;
  return Math.max(0, ...[...named, seconds * 1000].filter(Number.isFinite));
}
