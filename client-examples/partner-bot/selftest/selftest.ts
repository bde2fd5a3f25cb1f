// The bot against a real server: npm run selftest, with QUICK_COMMERCE_URL, or with SERVER_PROGRAM one that is started here.
//
// Two orders are placed near it, and one that its rule is against. Its connection is cut, it is killed in the middle of a delivery,
// and its token does not work when it comes back. Each of the two is delivered, once.
// Then one is called off while the bot is on its way to the store: with a server that is started here, after the bot's token was worn
// out under its open socket, and after the server was started anew.
// In the end it has to leave as many as it may carry at the door, and claims again once an admin has seen to one of them.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { distanceKm, type Point } from '../src/map.ts';
import { Network } from './network.ts';
import { PASSWORD, People } from './people.ts';
import { BotProcess, PATIENCE_MS, type Happening } from './process.ts';
import { ServerProcess } from './server.ts';

/** How near to a door one has to be to stand before it. */
const AT_THE_DOOR_KM = 0.01;

const ours = process.env.SERVER_PROGRAM ? await ServerProcess.start(process.env.SERVER_PROGRAM) : undefined;
const server = ours?.url ?? process.argv[2] ?? process.env.QUICK_COMMERCE_URL ?? 'http://127.0.0.1:8080';
const people = new People(server);
const network = new Network(server);
const folder = await mkdtemp(join(tmpdir(), 'partner-bot-'));
const stateFile = join(folder, 'state.json');
const isTold = (of: string) => (happening: Happening) => happening.event === 'told' && happening.of === of;
const isEvent = (event: string) => (happening: Happening) => happening.event === event;
const step = (status: string) => (happening: Happening) => happening.event === 'step' && happening.status === status;

const settings = {
  EMAIL: await people.arrive(),
  PASSWORD,
  STATE_FILE: stateFile,
  LATITUDE: `${people.store.latitude}`,
  LONGITUDE: `${people.store.longitude}`,
  MAX_DISTANCE_KM: '8',
  TICK_MS: '50',
  TIME_LAPSE: process.env.TIME_LAPSE ?? '300',
};
const throughNetwork = await network.open();
let bot = new BotProcess(throughNetwork, settings);

try {
  await bot.until('it knows what there is', isTold('AvailableOrdersSnapshot'));
  const tooFar = await people.order(20);
  const first = await people.order(2);
  const tracking = people.track(first);
  const { count } = await bot.until('it claimed the first order', ({ event }) => event === 'claimed');

  // a cut in the middle, during which an order is placed
  network.down();
  await bot.until('the line broke', ({ event }) => event === 'disconnected', count);
  const second = await people.order(3);
  network.up();
  await bot.until('it was told what it missed', isTold('OrderAvailable'), count);
  assert.equal(bot.past.filter(isTold('AvailableOrdersSnapshot')).length, 1, 'it went on, and did not begin anew');

  // killed with the goods in its bag, and the token that it kept is worn out
  await bot.until('it is on the way', step('IN_TRANSIT'));
  await bot.kill();
  const kept = JSON.parse(await readFile(stateFile, 'utf8'));
  kept.tokens.accessToken += 'worn out';
  await writeFile(stateFile, JSON.stringify(kept));
  bot = new BotProcess(throughNetwork, settings);
  const { happening: resumed } = await bot.until('it took up the order', ({ event }) => event === 'delivering');
  assert.equal(resumed.from, 'IN_TRANSIT');
  assert.ok(bot.past.some(({ event }) => event === 'renewing'));

  // the customer sees it come, and then at the door: not further away than before, also where it was killed
  await bot.until('it is at the door', isEvent('at the door'));
  const toDoor = (point: Point | undefined) => (point ? distanceKm(point, people.door(2)) : Infinity);
  const deadline = Date.now() + PATIENCE_MS;
  while (toDoor(tracking.seen.at(-1)) > AT_THE_DOOR_KM && Date.now() < deadline) await sleep(100);
  const left = tracking.seen.map(toDoor);
  assert.ok((left.at(-1) ?? Infinity) <= AT_THE_DOOR_KM, `the customer sees it at the door, and not ${left} km from it`);
  assert.deepEqual(left, left.toSorted((one, other) => other - one), 'it comes nearer');
  assert.ok(new Set(left.filter((km) => km > AT_THE_DOOR_KM && km < 2 - AT_THE_DOOR_KM)).size >= 2, `it is seen on the way: ${left}`);

  // somebody at the keyboard is told the code, and lied to before
  let heard = 0;
  const code = await people.code(first);
  for (const said of [code === '0000' ? '0001' : '0000', code]) {
    const { happening, count } = await bot.until('it is at the door', isEvent('at the door'), heard);
    assert.equal(happening.orderId, first);
    bot.hear(said);
    heard = count;
  }
  await bot.until('it delivered', isEvent('over'), heard);
  assert.equal(await bot.stop(), 0);
  tracking.end();

  // a command asks for the other
  await writeFile(join(folder, second), `${await people.code(second)}\n`);
  bot = new BotProcess(throughNetwork, { ...settings, CODES: folder, DOOR_COMMAND: 'cat "$CODES/$ORDER_ID"' });
  await bot.until('it delivered', isEvent('over'));

  // an order that is called off on the way to the store, which at a rider's own pace takes minutes
  assert.equal(await bot.stop(), 0);
  const slowAndFar = { TIME_LAPSE: '1', LATITUDE: `${people.store.latitude + 0.03}` };
  bot = new BotProcess(throughNetwork, { ...settings, ...slowAndFar });
  const calledOff = await people.order(1);
  await bot.until('it claimed the third order', isEvent('delivering'));
  if (ours) {
    const { count: refused } = await bot.until('its token was worn out', ({ code }) => code === 4403);
    const { count: renewed } = await bot.until('it came back with another', isEvent('connected'), refused);
    await ours.restart();
    const { count: left } = await bot.until('the server went', isEvent('disconnected'), renewed);
    await bot.until('it came back to the server', isEvent('connected'), left);
    assert.equal(bot.past.filter(isTold('AvailableOrdersSnapshot')).length, 1, 'it went on, and did not begin anew');
  }
  await people.cancel(calledOff);
  await bot.until('it let it go', ({ event, status }) => event === 'over' && status === 'CANCELLED');
  assert.equal((await people.hindsight(calledOff)).status, 'CANCELLED');
  assert.equal(await bot.stop(), 0);

  // of one it is told what cannot be a code, of the other nothing: both stay its own until somebody sees to them
  bot = new BotProcess(throughNetwork, { ...settings, CODES: folder, DOOR_COMMAND: 'cat "$CODES/$ORDER_ID"' });
  const unheard = await people.order(1);
  await writeFile(join(folder, unheard), 'nobody answers the bell');
  const isLeft = isEvent('left');
  const { count: one } = await bot.until('it left the first', isLeft);
  const nobody = await people.order(1);
  const { count: both } = await bot.until('it left the second', isLeft, one);
  const waiting = await people.order(1);
  await bot.until('it was told of the third', isTold('OrderAvailable'), both);
  await people.settle(unheard);
  const { count: free } = await bot.until('it heard the end of the first', isEvent('over'), both);
  await bot.until('it claimed the third', isEvent('claimed'), free);
  await bot.until('it left the third', isLeft, free);
  assert.equal(await bot.stop(), 0);
  for (const orderId of [nobody, waiting]) await people.settle(orderId);

  for (const orderId of [first, second]) {
    const { status, timeline } = await people.hindsight(orderId);
    assert.equal(status, 'DELIVERED');
    for (const once of ['ASSIGNED', 'PICKED_UP', 'IN_TRANSIT', 'DELIVERED']) {
      assert.equal(timeline.filter(({ type }) => type === once).length, 1, `${once} happened once`);
    }
    assert.deepEqual(timeline.map(({ orderVersion }) => orderVersion), timeline.map((_, at) => at + 1));
  }
  assert.equal((await people.hindsight(tooFar)).status, 'READY', 'its rule is against this one');
  await people.cancel(tooFar);
  console.log('selftest: ok');
} finally {
  await bot.kill();
  network.close();
  await ours?.stop();
  await rm(folder, { recursive: true });
}
