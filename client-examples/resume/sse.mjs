// Follows a customer's orders with graphql-sse, over HTTP alone: node sse.mjs [server]
import { MY_ORDERS } from './orders.mjs';
import { end, events, show } from './program.mjs';
import { resuming } from './resume.mjs';

const client = resuming(await events());

/** @type {import('graphql-sse').Sink<import('graphql-sse').ExecutionResult<{ orders: import('./orders.mjs').Item }>>} */
const sink = {
  next({ data, errors }) {
    if (errors) end(errors);
    if (data) show(data.orders);
  },
  error: end,
  complete: end,
};
client.subscribe({ query: MY_ORDERS }, sink);
