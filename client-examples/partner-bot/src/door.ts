import { exec } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/**
 * Asks at the door for the code of an order, until it is known or the order is `gone`. Only the customer can see it, so it has to reach
 * the bot from outside of the API, as it reaches a person: somebody says it. Undefined: nobody did.
 */
export type Door = (order: { id: string; number: string }, gone: AbortSignal) => Promise<string | undefined>;

/**
 * A command that is told of the order by `ORDER_ID` and `ORDER_NUMBER`, and prints the code. One that takes longer than
 * `patienceMs` is ended, as other orders wait.
 */
export function commandDoor(command: string, patienceMs: number, say: (event: string, about?: object) => void): Door {
  const run = promisify(exec);
  return async ({ id, number }, signal) => {
    const env = { ...process.env, ORDER_ID: id, ORDER_NUMBER: number };
    try {
      const { stdout } = await run(command, { env, signal, timeout: patienceMs });
      return stdout.trim() || undefined;
    } catch (error) {
      // not its message, which has what the command printed
      const { code, killed } = error as { code?: unknown; killed?: boolean };
      if (!signal.aborted) say('no code', { order: number, why: killed ? 'the command took too long' : `it ended with ${code}` });
      return undefined;
    }
  };
}

/** Somebody at the keyboard: a line of standard input for each time that the code is asked for. */
export function keyboardDoor(): Door {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  let said: Promise<string | undefined> | undefined;
  return async (_order, gone) => {
    // a line that nobody waited for any more is the answer to the next question
    said ??= lines.next().then(({ value, done }) => (done ? undefined : value.trim()));
    const left = new Promise<undefined>((resolve) => gone.addEventListener('abort', () => resolve(undefined), { once: true }));
    const code = await Promise.race([said, left]);
    if (!gone.aborted) said = undefined;
    return code;
  };
}
