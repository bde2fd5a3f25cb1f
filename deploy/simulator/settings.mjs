/**
 * What the environment says, or the default.
 *
 * @param {string} name
 * @param {number} fallback
 */
function number(name, fallback) {
  const text = process.env[name] || String(fallback);
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name}: ${text} is not a number of at least 0`);
  return value;
}

export const settings = {
  /** Where the server is. */
  url: process.env.QC_URL || 'http://127.0.0.1:8080',
  password: process.env.DEMO_PASSWORD || 'quick-commerce',
  /** Orders of all customers together. */
  ordersPerMinute: number('ORDERS_PER_MINUTE', 4),
  /** Orders that wait for a partner, from which on nobody orders. */
  mostWaiting: number('MOST_WAITING', 12),
  /** How long a partner thinks before reaching for an order, at most: time for a person to be faster. */
  thinkSeconds: number('THINK_SECONDS', 8),
  /** How fast partners ride. Nobody wants to watch a demo for the real quarter of an hour. */
  speedKmh: number('SPEED_KMH', 600),
  /** How often a partner under way says where they are. */
  reportSeconds: number('REPORT_SECONDS', 1),
  /** How often stores look at their shelves, and what they fill them up to. */
  restockSeconds: number('RESTOCK_SECONDS', 60),
  restockTo: number('RESTOCK_TO', 100),
  /** 0: until it is told to stop. Else it ends by itself, with 1 unless something was delivered. */
  runSeconds: number('RUN_SECONDS', 0),
  /** So many deliveries are enough: it ends by itself then, and with 1 if its time is over before. 0: it goes on. */
  runDeliveries: number('RUN_DELIVERIES', 0),
  customers: ['customer@demo.test', 'customer2@demo.test'],
  partners: ['partner@demo.test', 'partner2@demo.test'],
  sellers: ['seller@demo.test', 'seller2@demo.test'],
};
