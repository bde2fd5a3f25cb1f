// Follows a customer's orders with graphql-ws alone: node graphql-ws.mjs [server]
import { MY_ORDERS } from './orders.mjs';
import { connection, end, show } from './program.mjs';
import { resuming } from './resume.mjs';

const client = resuming(await connection());

/** @type {import('graphql-ws').Sink<import('graphql').FormattedExecutionResult<{ orders: import('./orders.mjs').Item }>>} */
const sink = {
  next({ data, errors }) {
    if (errors) end(errors);
    if (data) show(data.orders);
  },
  error: end,
  complete: end,
};
client.subscribe({ query: MY_ORDERS }, sink);
