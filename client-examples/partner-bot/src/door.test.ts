import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandDoor } from './door.ts';

const order = { id: 'ord_1', number: 'QC-1' };

/** What the command answers at the door, and what is said of it. */
async function ask(command: string, patienceMs: number, gone = new AbortController().signal) {
  const said: object[] = [];
  const code = await commandDoor(command, patienceMs, (event, about) => said.push({ event, ...about }))(order, gone);
  return { code, said };
}

test('a command is told of the order, and prints the code', { timeout: 30_000 }, async () => {
  assert.deepEqual(await ask('echo "$ORDER_ID of $ORDER_NUMBER"', 20_000), { code: 'ord_1 of QC-1', said: [] });
  assert.deepEqual(await ask('true', 20_000), { code: undefined, said: [] });
});

test('a command that fails is no code, and is said without what it printed', { timeout: 30_000 }, async () => {
  const why = 'it ended with 3';
  assert.deepEqual(await ask('echo 1234; exit 3', 20_000), { code: undefined, said: [{ event: 'no code', order: 'QC-1', why }] });
});

test('a command that hangs does not hold the bot', { timeout: 30_000 }, async () => {
  const why = 'the command took too long';
  assert.deepEqual(await ask('echo 1234; sleep 60', 100), { code: undefined, said: [{ event: 'no code', order: 'QC-1', why }] });
});

test('when the order is gone nobody is asked any more', { timeout: 30_000 }, async () => {
  const gone = new AbortController();
  setTimeout(() => gone.abort(), 100);
  assert.deepEqual(await ask('sleep 60', 50_000, gone.signal), { code: undefined, said: [] });
});
