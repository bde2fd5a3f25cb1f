// A delivery partner's app without a screen: npm start -- [server]; the README has the settings.
import { Bot } from './bot.ts';
import { commandDoor, keyboardDoor } from './door.ts';
import { Line } from './line.ts';
import { login } from './login.ts';
import { Memory } from './memory.ts';
import { Session } from './session.ts';

const { env } = process;
const server = process.argv[2] ?? env.QUICK_COMMERCE_URL ?? 'http://127.0.0.1:8080';

function number(name: string, otherwise: number): number {
  const value = Number(env[name] || otherwise);
  if (Number.isFinite(value)) return value;
  throw new Error(`${name} is not a number: ${env[name]}`);
}

/** One line of JSON for each thing that happens: no token, no address, no code. */
function say(event: string, about: object = {}): void {
  console.log(JSON.stringify({ at: new Date().toISOString(), event, ...about }));
}

function fail(why: unknown): never {
  console.error(why instanceof Error ? why.message : why);
  process.exit(1);
}

function account(): ReturnType<typeof login> {
  try {
    return login(server, env, 'partner@demo.test');
  } catch (error) {
    return fail(error);
  }
}

const who = account();
const memory = new Memory(env.STATE_FILE ?? 'partner-bot.json', `${who.email} at ${server}`);
const session = new Session(server, who, memory);
const line = new Line(server, session, say, fail);
const plan = {
  home: { latitude: number('LATITUDE', 12.9719), longitude: number('LONGITUDE', 77.6412) },
  radiusKm: number('RADIUS_KM', 5),
  rule: {
    maxPickupKm: number('MAX_PICKUP_KM', 5),
    maxDistanceKm: number('MAX_DISTANCE_KM', 8),
    minPayout: number('MIN_PAYOUT', 0),
    minPayoutPerKm: number('MIN_PAYOUT_PER_KM', 5),
  },
  speedKmh: number('SPEED_KMH', 25),
  tickMs: number('TICK_MS', 2_000),
  reportMs: number('REPORT_MS', 10_000),
  timeLapse: number('TIME_LAPSE', 1),
};
const door = env.DOOR_COMMAND ? commandDoor(env.DOOR_COMMAND, number('DOOR_SECONDS', 120) * 1_000, say) : keyboardDoor();
const bot = new Bot(line, plan, door, say);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    bot.goOffline().then(() => {
      say('stopped');
      process.exit(0);
    }, fail);
  });
}
bot.run().catch(fail);
