import { texts } from './account.mjs';
import { settings } from './settings.mjs';
import { pause, stopped } from './time.mjs';

/** The server says something every 12 s: who is silent for longer is gone. */
const SILENCE_MS = 30_000;

/**
 * What `Account.follow` does over a WebSocket, over server-sent events.
 *
 * @param {import('./account.mjs').Account} account
 * @param {string} operation
 * @param {(item: any) => void} onItem
 * @param {() => void} onConnected
 */
export async function followEvents(account, operation, onItem, onConnected) {
  const variables = { after: undefined };
  while (!stopped.aborted) {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const reply = await fetch(new URL('/graphql', settings.url), {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'text/event-stream',
          Authorization: `Bearer ${await account.token()}`,
        },
        body: JSON.stringify({ query: texts.get(operation), operationName: operation, variables }),
        signal: AbortSignal.any([stopped, silence.signal]),
      });
      if (reply.status === 401) account.doubt();
      if (reply.ok && reply.body) {
        onConnected();
        for await (const text of events(reply.body.pipeThrough(new TextDecoderStream()), () => timer.refresh())) {
          const data = JSON.parse(text).data;
          const item = data?.[Object.keys(data)[0] ?? ''];
          if (!item) continue;
          variables.after = item.cursor;
          onItem(item);
        }
      }
    } catch (error) {
      // cut off, or refused: it is there again in a moment; what `onItem` says is not for here to judge
      if (!(error instanceof TypeError || (error instanceof DOMException && error.name === 'AbortError'))) throw error;
    } finally {
      clearTimeout(timer);
    }
    await pause(0.2 + Math.random() * 0.5);
  }
}

/**
 * The data of every `next` of a stream.
 *
 * @param {ReadableStream<string>} stream
 * @param {() => void} onText
 */
async function* events(stream, onText) {
  let rest = '';
  for await (const text of stream) {
    onText();
    const blocks = (rest + text).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split(/\r?\n/);
      if (!lines.includes('event: next')) continue;
      yield lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n');
    }
  }
}
