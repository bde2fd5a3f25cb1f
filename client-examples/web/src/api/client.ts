import { ApolloClient, ApolloLink, HttpLink } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { makeCache } from './cache';
import { Clock, listening } from './clock';
import { Connection } from './connection';
import { inTime } from './inTime';
import { newest, Versions } from './newest';
import { patient } from './patient';
import { ENDPOINT } from './post';
import { resuming } from './resume';
import type { Session } from './session';
import { signed } from './signed';
import { connect } from './socket';

/**
 * Everything that one person's page talks through; made when they sign in, and gone when they leave. `isFresh`: they just did,
 * by the form.
 */
export function makeApi(session: Session, isFresh: boolean) {
  const connection = new Connection();
  const clock = new Clock();
  const socket = resuming(connect(session, connection));
  const client = new ApolloClient({
    cache: makeCache(),
    link: ApolloLink.from([
      newest(new Versions()),
      listening(clock),
      ApolloLink.split(
        ({ operationType }) => operationType === 'subscription',
        new GraphQLWsLink(socket),
        ApolloLink.from([patient(), signed(session), new HttpLink({ uri: ENDPOINT, fetch: inTime() })]),
      ),
    ]),
    defaultOptions: {
      // What is there is shown at once, and the newest is asked for when a page is opened.
      watchQuery: {
        fetchPolicy: 'cache-and-network',
        nextFetchPolicy: 'cache-first',
        notifyOnNetworkStatusChange: true,
      },
    },
  });
  const close = () => {
    client.stop();
    // While it is connecting it cannot be closed politely, which is as good now.
    Promise.resolve(socket.dispose()).catch(() => {});
  };
  return { client, connection, clock, session, isFresh, close };
}

export type Api = ReturnType<typeof makeApi>;
