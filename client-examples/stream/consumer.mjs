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

/** How often an event is given to somebody of the group before it is put aside. */
const TRIES = 5;

/** The longest wait before this comes back to Redis, in milliseconds. */
const LONGEST_WAIT = 5_000;

const client = createClient({ url, socket: { reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2_000) } });
client.on('error', (error) => console.error(`redis: ${error.code ?? error.message}; trying again`));

let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (isStopping = true));

/**
 * What your system does with an event. This one prints it. What will pass, such as a database that is away, is to be waited for here:
 * what this throws is taken for the event's own fault.
 * @param {string} entry
 * @param {Record<string, string>} event
 */
async function handle(entry, event) {
  const { id, kind, at, position, topics, data = 'null' } = event;
  console.log(JSON.stringify({ entry, id, kind, at, position: Number(position), topics, data: JSON.parse(data) }));
}

/**
 * What your system does with an event that it could not deal with however often it tried: without this it would be tried for ever.
 * This one prints all of it; keep it where somebody looks.
 * @param {string} entry
 * @param {Record<string, string>} event
 */
function putAside(entry, event) {
  console.error(`put aside ${entry}: ${JSON.stringify(event)}`);
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
    if (!message || Object.keys(message).length === 0) miss(1, `${parse(id).position}, which somebody had been given`);
    else if (!(await isDone(id, message))) continue;
    await client.xAck(stream, group, id);
  }
}

/**
 * Whether there is nothing left to do about an event. One that could not be dealt with stays pending, so that it is taken over later, by
 * whoever is first; the others do not wait for it.
 * @param {string} entry
 * @param {Record<string, string>} event
 */
async function isDone(entry, event) {
  try {
    await handle(entry, event);
    return true;
  } catch (error) {
    console.error(`could not deal with ${entry}: ${error}`);
  }
  // Redis counts, so it matters not who tried, nor whether they were started anew in between
  const [pending] = await client.xPendingRange(stream, group, entry, entry, 1);
  if (pending && pending.deliveriesCounter < TRIES) return false;
  // if it is pending no more, somebody has dealt with it
  if (pending) putAside(entry, event);
  return true;
}

/** What this consumer had when it stopped: ids after `0` are those that it has not acknowledged. */
async function finishOwn() {
  let from = '0';
  for (;;) {
    const read = await client.xReadGroup(group, consumer, { key: stream, id: from }, { COUNT });
    const entries = read?.[0]?.messages ?? [];
    const last = entries.at(-1);
    if (!last) return;
    await deal(entries);
    // what could not be dealt with is still there: from the beginning it would be read for ever
    from = last.id;
  }
}

/** What others had when they stopped and did not come back for, and what could not be dealt with the last time. */
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
let tries = 0;
while (!isStopping) {
  const began = Date.now();
  try {
    await join();
    await run();
  } catch (error) {
    // Redis went away, or came back without what it had: the group is made anew, and the shop adds what it still keeps
    console.error(`${error}; going on`);
    tries = Date.now() - began > LONGEST_WAIT ? 0 : tries + 1;
    await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_WAIT, 100 * 2 ** tries)));
  }
}
client.destroy();
