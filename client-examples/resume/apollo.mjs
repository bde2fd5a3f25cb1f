// Follows a customer's orders with Apollo Client: node apollo.mjs [server]
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { MY_ORDERS } from './orders.mjs';
import { connection, end, server, show } from './program.mjs';
import { resuming } from './resume.mjs';

const socket = resuming(await connection());

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === 'subscription',
    new GraphQLWsLink(socket),
    new HttpLink({ uri: new URL('/graphql', server).href }),
  ),
});

/** @type {import('@apollo/client').TypedDocumentNode<{ orders: import('./orders.mjs').Item }>} */
const query = gql(MY_ORDERS);

client.subscribe({ query }).subscribe({
  next({ data, error }) {
    if (error) end(error);
    if (data) show(data.orders);
  },
  complete: end,
});
