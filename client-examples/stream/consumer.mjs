// Reads the shop's events from its Redis Stream as one consumer of a group:
//
//   node consumer.mjs [redis://127.0.0.1:6379] [qc:events] [GROUP] [CONSUMER]
//
// Each event goes to one consumer of the group. It is acknowledged once it is dealt with, and not before: what a consumer had
// when it died is dealt with by itself when it comes back, or by another when it does not. So an event may come twice; deal
// with it so that the second time does no harm, by its `id`.
import { createClient } from '@redis/client';

const [url = 'redis://127.0.0.1:6379', stream = 'qc:events', group = 'example', consumer = `consumer-${process.pid}`] =
  process.argv.slice(2);

/** Events read at once. */
const COUNT = 100;

/** How long one read waits for the next event, in milliseconds. */
const BLOCK = 1_000;

/** How long another consumer may be silent about an event before it is taken over. */
const IDLE = Number(process.env.IDLE_MS ?? 60_000);

const client = createClient({ url, socket: { reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2_000) } });
client.on('error', (error) => console.error(`redis: ${error.code ?? error.message}; trying again`));

let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (isStopping = true));

/**
 * What your system does with an event. This one prints it.
 * @param {string} entry
 * @param {Record<string, string>} event
 */
async function handle(entry, event) {
  const { id, kind, at, position, topics, data = 'null' } = event;
  console.log(JSON.stringify({ entry, id, kind, at, position: Number(position), topics, data: JSON.parse(data) }));
}

/** Begins with the oldest event that is kept. A group that is there stays where it is. */
async function join() {
  try {
    await client.xGroupCreate(stream, group, '0', { MKSTREAM: true });
  } catch (error) {
    if (!`${error}`.includes('BUSYGROUP')) throw error;
  }
}

/**
 * What your system does when events are gone that nobody of the group has dealt with. Ask the shop's API how things stand.
 * @param {number} count
 * @param {string} which
 */
function miss(count, which) {
  console.error(`missed ${count} event${count === 1 ? '' : 's'}, ${which}: the stream has let go of them`);
}

/** @param {string} id */
function parse(id) {
  const [run = 0, position = 0] = id.split('-').map(Number);
  return { run, position };
}

/**
 * The stream keeps so many events and no more: whether it has let go of some that the group was never given. Within a run positions
 * go up one by one, so the oldest that is kept says it. That is asked for first: what others of the group read meanwhile is not missed.
 */
async function lookBack() {
  const oldest = (await client.xInfoStream(stream))['first-entry'];
  const found = (await client.xInfoGroups(stream)).find(({ name }) => `${name}` === group);
  if (!oldest || !found) return;
  const [first, last] = [parse(`${oldest.id}`), parse(`${found['last-delivered-id']}`)];
  const missed = first.position - last.position - 1;
  // a group that was never given anything begins with the oldest, and another run repeats what is kept
  if (first.run === last.run && missed > 0) miss(missed, `${last.position + 1} to ${first.position - 1}`);
}

/** @param {{ id: string, message: Record<string, string> }[]} entries */
async function deal(entries) {
  for (const { id, message } of entries) {
    if (message && Object.keys(message).length > 0) await handle(id, message);
    else miss(1, `${parse(id).position}, which somebody had been given`);
    await client.xAck(stream, group, id);
  }
}

/** What this consumer had when it stopped: ids after `0` are those that it has not acknowledged. */
async function finishOwn() {
  for (;;) {
    const read = await client.xReadGroup(group, consumer, { key: stream, id: '0' }, { COUNT });
    const entries = read?.[0]?.messages ?? [];
    if (entries.length === 0) return;
    await deal(entries);
  }
}

/** What others had when they stopped and did not come back for. */
async function takeOver() {
  let from = '0-0';
  do {
    const claimed = await client.xAutoClaim(stream, group, consumer, IDLE, from, { COUNT });
    // Redis takes these out of what is pending by itself
    for (const id of claimed.deletedMessages) miss(1, `${parse(`${id}`).position}, which somebody had been given`);
    await deal(claimed.messages.filter((entry) => entry !== null));
    from = claimed.nextId;
  } while (from !== '0-0');
}

async function run() {
  let looked = 0;
  await finishOwn();
  while (!isStopping) {
    if (Date.now() - looked >= IDLE / 2) {
      await takeOver();
      looked = Date.now();
    }
    await lookBack();
    const read = await client.xReadGroup(group, consumer, { key: stream, id: '>' }, { COUNT, BLOCK });
    await deal(read?.[0]?.messages ?? []);
  }
}

await client.connect();
while (!isStopping) {
  try {
    await join();
    await run();
  } catch (error) {
    // Redis went away, or came back without what it had: the group is made anew, and the shop adds what it still keeps
    console.error(`${error}; going on`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
client.destroy();
