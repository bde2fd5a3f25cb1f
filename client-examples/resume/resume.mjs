/**
 * The same client, whose subscriptions go on where they were after the connection broke.
 *
 * graphql-ws subscribes again with the very object that it was given. So this hands it one of its own, and moves `after`
 * along with every item. It finds the cursor in the item of whatever field is subscribed to, aliased or not; of an answer
 * that has none, `after` stays where it is.
 *
 * @param {import('graphql-ws').Client} client
 * @returns {import('graphql-ws').Client}
 */
export function resuming(client) {
  return {
    ...client,
    subscribe(request, sink) {
      const payload = { ...request, variables: { ...request.variables } };
      return client.subscribe(payload, {
        next(result) {
          sink.next(/** @type {any} */ (result));
          // after it was taken: an item that came and was not taken is one to ask for again
          payload.variables.after = cursorOf(result.data) ?? payload.variables.after;
        },
        error: (error) => sink.error(error),
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
