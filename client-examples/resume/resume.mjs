/**
 * The same client, whose subscriptions go on where they were after the connection broke.
 *
 * graphql-ws and graphql-sse subscribe again with the very object that they were given. So this hands them one of its own,
 * and moves `after` along with every item. It finds the cursor in the item of whatever field is subscribed to, aliased or
 * not; of an answer that has none, `after` stays where it is.
 *
 * @template {import('graphql-ws').Client | import('graphql-sse').Client} Client
 * @param {Client} client
 * @returns {Client}
 */
export function resuming(client) {
  return {
    ...client,
    /**
     * @param {import('graphql-ws').SubscribePayload} request
     * @param {import('graphql-ws').Sink<any>} sink
     */
    subscribe(request, sink) {
      /** @type {any} */
      const payload = { ...request, variables: { ...request.variables } };
      return client.subscribe(payload, {
        /** @param {{ data?: any }} result */
        next(result) {
          sink.next(result);
          // after it was taken: an item that came and was not taken is one to ask for again
          payload.variables.after = cursorOf(result.data) ?? payload.variables.after;
        },
        error: (/** @type {unknown} */ error) => sink.error(error),
        complete: () => sink.complete(),
      });
    },
    iterate() {
      throw new Error('only subscribe resumes: iterate would begin again without a word');
    },
  };
}

/**
 * @param {Record<string, any> | null | undefined} data
 * @returns {string | undefined}
 */
function cursorOf(data) {
  return Object.values(data ?? {}).find((item) => item?.cursor)?.cursor;
}
