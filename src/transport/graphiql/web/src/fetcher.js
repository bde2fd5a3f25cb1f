// How GraphiQL reaches the server: queries and mutations by POST, subscriptions over a WebSocket.

import { getOperationAST } from 'graphql';
import { createClient } from 'graphql-ws';

const ENDPOINT = new URL('/graphql', window.location.href);

/** The server refused the connection's credentials; the same ones will be refused again. */
const FORBIDDEN = 4403;

/**
 * The headers editor's values, less an `Authorization` that has no token yet: the ready tabs come with
 * such a placeholder, and a public query must not fail because of it.
 */
function usableHeaders(headers = {}) {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => name.toLowerCase() !== 'authorization' || !/^\s*(bearer)?\s*$/i.test(value))
      .map(([name, value]) => [name, String(value)]),
  );
}

/** GraphiQL prints what it gets, so what is not a GraphQL answer becomes one that says so. */
const failure = (message) => ({ errors: [{ message }] });

async function post(params, headers) {
  let response;
  let text;
  try {
    const merged = new Headers({
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      'Content-Type': 'application/json',
    });
    // One by one, for `set` knows that names are case-insensitive and a literal's keys do not.
    for (const [name, value] of Object.entries(headers)) merged.set(name, value);
    response = await fetch(ENDPOINT, { method: 'POST', headers: merged, body: JSON.stringify(params) });
    text = await response.text();
  } catch (error) {
    return failure(`Request failed: ${error.message}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    return failure(`HTTP ${response.status} ${response.statusText}: ${text.slice(0, 1000)}`.trim());
  }
}

function socketError(error) {
  if (Array.isArray(error)) return error; // GraphQL errors of the operation
  if (error instanceof Error) return [{ message: error.message }];
  if (error && typeof error === 'object' && 'code' in error) {
    return [{ message: `The server closed the connection: ${error.code} ${error.reason}`.trim() }];
  }
  return [{ message: 'The WebSocket connection failed.' }];
}

function subscribe(params, headers) {
  return {
    subscribe(observer) {
      let wasConnected = false;
      const url = new URL(ENDPOINT);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      // A connection for each run, for its credentials are those that the headers editor holds now.
      const client = createClient({
        url: url.href,
        connectionParams: headers,
        on: {
          connected() {
            wasConnected = true;
          },
        },
        // A stream that was live survives a restart of the server; one that never was says why at once.
        shouldRetry: (error) => wasConnected && error?.code !== FORBIDDEN,
      });
      const unsubscribe = client.subscribe(params, {
        next: (result) => observer.next(result),
        error: (error) => observer.error(socketError(error)),
        complete: () => observer.complete(),
      });
      return { unsubscribe };
    },
  };
}

/** GraphiQL's `fetcher`. */
export function fetcher(params, options = {}) {
  const headers = usableHeaders(options.headers);
  const operation = options.documentAST && getOperationAST(options.documentAST, params.operationName);
  return operation?.operation === 'subscription' ? subscribe(params, headers) : post(params, headers);
}
