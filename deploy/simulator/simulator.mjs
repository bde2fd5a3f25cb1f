// Keeps the demo busy: customers order, partners deliver, stores restock. README.md says how it is set up.
import { Account } from './account.mjs';
import { shop } from './customer.mjs';
import { counts, say } from './log.mjs';
import { Partner } from './partner.mjs';
import { restock } from './seller.mjs';
import { settings } from './settings.mjs';
import { end, pause } from './time.mjs';

const accounts = (/** @type {readonly string[]} */ emails) => emails.map((email) => new Account(email));
const customers = accounts(settings.customers);

// what was begun is taken up by the next start
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, end);
if (settings.runSeconds > 0) pause(settings.runSeconds).then(end);

say('simulator', `is at work at ${new URL(settings.url).origin}`);
await Promise.all([
  ...customers.map(shop),
  ...accounts(settings.partners).map((account) => new Partner(account, customers).work()),
  ...accounts(settings.sellers).map(restock),
]);
say('simulator', `ends: ${Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ')}`);
process.exit(settings.runSeconds > 0 && counts.delivered < Math.max(settings.runDeliveries, 1) ? 1 : 0);
