import { ApolloLink } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { RetryLink } from '@apollo/client/link/retry';
import { map } from 'rxjs';
import { waitOf } from './refusal';
import { isTimeout, mayGoWell, pause } from './retry';

/** How often a query is asked before its page says that it failed: for ten seconds and more, as a server needs to be back. */
export const ATTEMPTS = 6;

/** Milliseconds until the second attempt. */
export const INITIAL_MS = 500;

/** The longest time, as an answer names it, that is waited without a word: whoever is to wait for longer is told so. */
const LONGEST_WAIT_MS = 10_000;

/**
 * Asks a query again that nobody answered, or that was refused with the word that it may go well later, after longer and longer
 * pauses; not before the time that its answer names. Without it a page that asks in the very moment in which a server comes back would stay behind: its line is up by
 * then, and nothing else would tell it to ask again. A mutation is left to whoever wanted it.
 */
export function patient(initialMs = INITIAL_MS): ApolloLink {
  const again = new RetryLink({
    // The link's own jitter goes down to nothing: all attempts could be over within a second.
    delay: (count, _, error) => waitOf(error) + pause(count, initialMs),
    attempts: (count, { operationType }, error) =>
      count < ATTEMPTS &&
      operationType === 'query' &&
      mayGoWell(error) &&
      // Whoever has waited for so long already is told so, too.
      !isTimeout(error) &&
      waitOf(error) <= LONGEST_WAIT_MS,
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
