// Follows a customer's orders with urql: node urql.mjs [server]
import { cacheExchange, Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { MY_ORDERS } from './orders.mjs';
import { connection, end, server, show } from './program.mjs';
import { resuming } from './resume.mjs';

const socket = resuming(await connection());

const client = new Client({
  url: new URL('/graphql', server).href,
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

/** @type {import('@urql/core').TypedDocumentNode<{ orders: import('./orders.mjs').Item }, {}>} */
const query = gql(MY_ORDERS);

client.subscription(query, {}).subscribe(({ data, error }) => {
  if (error) end(error);
  if (data) show(data.orders);
});
