import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { duration } from '../lib/format';

interface Refusal {
  message: string;
  extensions?: Record<string, unknown>;
}

interface Answer {
  data?: unknown;
  errors?: readonly Refusal[];
}

function isRefusal(error: unknown): error is Refusal {
  return (
    typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
  );
}

/** What an answer says, in whatever media type; nothing when it is no answer of the API. */
export function answerIn(bodyText: string): Answer {
  try {
    const answer: unknown = JSON.parse(bodyText);
    if (typeof answer !== 'object' || answer === null) return {};
    // What stands before the server may call other things `errors`.
    const { errors } = answer as { errors?: unknown };
    return Array.isArray(errors)
      ? { ...answer, errors: errors.filter(isRefusal) }
      : { ...answer, errors: [] };
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

/** Whether the access token was refused: nothing of the request has happened. */
export function isUnsigned(error: unknown): boolean {
  if (ServerError.is(error) && error.statusCode === 401) return true;
  return areUnsigned(refusalsOf(error));
}

/** The same of what an answer says. */
export function areUnsigned(errors: readonly Refusal[] = []): boolean {
  return errors.some(({ extensions }) => extensions?.code === 'INVALID_TOKEN');
}

/** What the server, or what stands before it, says when it has begun to do what it was asked, or may have. */
const BEGUN = ['INTERNAL', 'TIMEOUT', 'UNAVAILABLE'];

/** Whether a mutation that failed so may have been done all the same: there is no answer, or none that says what became of it. */
export function isUndecided(error: unknown): boolean {
  if (isLimited(error)) return false;
  const codes = refusalsOf(error).map(({ extensions }) => extensions?.code);
  return codes.length === 0 || codes.some((code) => BEGUN.includes(String(code)));
}

/** Milliseconds after which it may be asked again, as the answer names them; 0 when it names none. */
export function waitOf(error: unknown): number {
  const named = refusalsOf(error).map(({ extensions }) => Number(extensions?.retryAfterMs));
  const seconds = ServerError.is(error) ? Number(error.response.headers.get('Retry-After')) : 0;
  return Math.max(0, ...[...named, seconds * 1000].filter(Number.isFinite));
}

/** One sentence about what went wrong, for people. */
export function sentence(error: unknown): string {
  if (isLimited(error)) {
    const seconds = Math.ceil(waitOf(error) / 1000);
    return `Too much was asked at once. Try again in ${seconds > 0 ? duration(seconds) : 'a moment'}.`;
  }
  const said = refusalsOf(error).map(({ message }) => message);
  return said.join(' ') || 'The server cannot be reached just now.';
}

/** Why something was not done, as people are told. */
export interface Trouble {
  code: string;
  message: string;
  field: readonly string[] | null;
}

/** What is told of an intention that failed without an answer to it. */
export function unreachable(error: unknown): Trouble {
  return { code: 'UNREACHABLE', message: sentence(error), field: null };
}
