import type { Client, Sink, SubscribePayload } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import { resuming } from './resume';

/** A client that keeps what it was given, as graphql-ws does to subscribe again. */
function recorder() {
  const given: { payload: SubscribePayload; sink: Sink<unknown> }[] = [];
  const client = {
    subscribe: (payload: SubscribePayload, sink: Sink<unknown>) => {
      given.push({ payload, sink });
      return () => {};
    },
  } as unknown as Client;
  return { client: resuming(client), given };
}

const QUERY = 'subscription ($after: EventCursor) { orders: myOrderUpdates(after: $after) { cursor } }';

function quiet(next: (value: unknown) => void = () => {}) {
  return { next, error: () => {}, complete: () => {} };
}

describe('a subscription that resumes', () => {
  it('begins where it was told to begin', () => {
    const { client, given } = recorder();
    client.subscribe({ query: QUERY, variables: { orderId: 'ord_1' } }, quiet());
    expect(given[0]?.payload.variables).toEqual({ orderId: 'ord_1' });
  });

  it('goes on after the last item that was taken, whatever its field is called', () => {
    const { client, given } = recorder();
    client.subscribe({ query: QUERY }, quiet());
    given[0]?.sink.next({ data: { orders: { cursor: 'one' } } });
    given[0]?.sink.next({ data: { orders: { cursor: 'two' } } });
    expect(given[0]?.payload.variables).toEqual({ after: 'two' });
  });

  it('asks again for an item that came and was not taken', () => {
    const { client, given } = recorder();
    let isBroken = false;
    client.subscribe(
      { query: QUERY },
      quiet(() => {
        if (isBroken) throw new Error('not taken');
      }),
    );
    given[0]?.sink.next({ data: { orders: { cursor: 'one' } } });
    isBroken = true;
    expect(() => given[0]?.sink.next({ data: { orders: { cursor: 'two' } } })).toThrow('not taken');
    expect(given[0]?.payload.variables).toEqual({ after: 'one' });
  });

  it('stays where it is when an answer has no cursor', () => {
    const { client, given } = recorder();
    client.subscribe({ query: QUERY, variables: { after: 'zero' } }, quiet());
    given[0]?.sink.next({ data: null, errors: [] });
    expect(given[0]?.payload.variables).toEqual({ after: 'zero' });
  });

  it('leaves the variables of its caller alone', () => {
    const { client, given } = recorder();
    const variables = { orderId: 'ord_1' };
    client.subscribe({ query: QUERY, variables }, quiet());
    given[0]?.sink.next({ data: { orders: { cursor: 'one' } } });
    expect(variables).toEqual({ orderId: 'ord_1' });
  });

  it('adds no variable to an operation that does not declare it', () => {
    const { client, given } = recorder();
    client.subscribe({ query: 'subscription { cartUpdates { cursor } }' }, quiet());
    given[0]?.sink.next({ data: { cartUpdates: { cursor: 'one' } } });
    expect(given[0]?.payload.variables).toEqual({});
  });
});
