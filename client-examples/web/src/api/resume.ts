import type { Client, Sink, SubscribePayload } from 'graphql-ws';

/**
 * The same client, whose subscriptions go on where they were after the connection broke.
 *
 * graphql-ws subscribes again with the very object that it was given. So this hands it one of its own, and moves `after`
 * along with every item. An operation that does not declare `$after` begins anew instead, with what it begins with.
 */
export function resuming(client: Client): Client {
  return {
    ...client,
    subscribe<Data, Extensions>(request: SubscribePayload, sink: Sink<ExecutionResult<Data, Extensions>>) {
      const resumes = /\$after\b/.test(request.query);
      const variables: Record<string, unknown> = { ...request.variables };
      return client.subscribe<Data, Extensions>(
        { ...request, variables },
        {
          next(result) {
            sink.next(result);
            // After it was taken: an item that came and was not taken is one to ask for again.
            const cursor = resumes ? cursorOf(result.data) : undefined;
            if (cursor !== undefined) variables.after = cursor;
          },
          error: (error) => sink.error(error),
          complete: () => sink.complete(),
        },
      );
    },
    iterate() {
      throw new Error('only subscribe resumes: iterate would begin again without a word');
    },
  };
}

type ExecutionResult<Data, Extensions> = import('graphql').FormattedExecutionResult<Data, Extensions>;

/** The cursor of the item, in whatever field is subscribed to, aliased or not. */
export function cursorOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  for (const item of Object.values(data)) {
    if (typeof item === 'object' && item !== null && 'cursor' in item && typeof item.cursor === 'string')
      return item.cursor;
  }
  return undefined;
}
