import { randomUUID } from 'node:crypto';
import { counts, say } from './log.mjs';
import { settings } from './settings.mjs';
import { forever, pause } from './time.mjs';

/**
 * Fills the shelves up before they are empty, so that a demo may run for weeks.
 *
 * @param {import('./account.mjs').Account} account
 */
export function restock(account) {
  return forever(account.name, async () => {
    const { products } = await account.send('LowStock');
    const low = products.nodes.filter((/** @type {any} */ { available }) => available < settings.restockTo / 4);
    for (const { id, available } of low) {
      const delta = Math.ceil(settings.restockTo - available);
      await account.send('Restock', { input: { idempotencyKey: randomUUID(), productId: id, delta, reason: 'RECEIVED' } });
      counts.restocked += 1;
    }
    if (low.length > 0) say(account.name, `restocks ${low.length} product(s)`);
    await pause(settings.restockSeconds);
  });
}
