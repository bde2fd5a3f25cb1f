import { ApolloLink } from '@apollo/client';
import { catchError, defer, from, of, switchMap, throwError } from 'rxjs';
import { areUnsigned, isUnsigned } from './refusal';
import type { Session } from './session';

/** Sends the access token along, and once more with a new one when it is refused: nothing of a refused request has happened. */
export function signed(session: Session): ApolloLink {
  return new ApolloLink((operation, forward) => {
    let token = '';
    const attempt = () =>
      defer(() => from(session.accessToken())).pipe(
        switchMap((accessToken) => {
          token = accessToken;
          operation.setContext({ headers: { Authorization: `Bearer ${accessToken}` } });
          return forward(operation);
        }),
      );
    const again = () => {
      session.refused(token);
      return attempt();
    };
    return attempt().pipe(
      switchMap((result) => (areUnsigned(result.errors) ? again() : of(result))),
      catchError((error: unknown) => (isUnsigned(error) ? again() : throwError(() => error))),
    );
  });
}
