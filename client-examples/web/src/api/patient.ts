import { ApolloLink } from '@apollo/client';
import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { RetryLink } from '@apollo/client/link/retry';
import { map } from 'rxjs';

/** How often a query is asked before its page says that it failed: for about ten seconds, as a server needs to be back. */
const ATTEMPTS = 6;

/** What stands before the server says so while nobody is behind it. */
const AWAY = new Set([502, 503, 504]);

/**
 * Asks a query again that nobody answered, or that was refused with the word that it may go well later, after longer and longer
 * pauses. Without it a page that asks in the very moment in which a server comes back would stay behind: its line is up by
 * then, and nothing else would tell it to ask again. A mutation is left to whoever wanted it.
 */
export function patient(initialMs = 500): ApolloLink {
  const again = new RetryLink({
    delay: { initial: initialMs, max: 16 * initialMs, jitter: true },
    attempts: {
      max: ATTEMPTS,
      retryIf: (error, { operationType }) => operationType === 'query' && mayGoWell(error),
    },
  });
  return again.concat(raising());
}

/** Makes an error of an answer that is nothing but errors, for only errors are tried again. */
function raising(): ApolloLink {
  return new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      map((result) => {
        if (operation.operationType === 'query' && !result.data && result.errors?.length) {
          throw new CombinedGraphQLErrors(result);
        }
        return result;
      }),
    ),
  );
}

function mayGoWell(error: unknown): boolean {
  if (CombinedGraphQLErrors.is(error))
    return error.errors.every(({ extensions }) => extensions?.retryable === true);
  if (ServerError.is(error)) return AWAY.has(error.statusCode);
  // What `fetch` throws when nobody is there.
  return error instanceof TypeError;
}
