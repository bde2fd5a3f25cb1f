import { randomUUID } from 'node:crypto';
import { expect, present } from './client/failure.mjs';
import { Line } from './client/line.mjs';
import { login } from './login.mjs';
import { does } from './narrator.mjs';

/**
 * @typedef {import('./operations.d.ts').SignedIn} SignedIn
 * @typedef {import('./operations.d.ts').RegisterInput} RegisterInput
 * @typedef {{ line: Line, id: string }} Person
 * @typedef {{ customer: Person, partner: Person, seller: Person, admin: Person }} Cast
 */

const run = randomUUID().slice(0, 8);

/**
 * The seller and the admin are there before, as they are in the demo data; the customer and the partner are new with every
 * run, so that runs do not meet each other's orders.
 *
 * @param {string} server
 * @returns {Promise<Cast>}
 */
export async function gather(server) {
  const theSeller = login(server, process.env, 'seller@demo.test', 'SELLER_');
  const theAdmin = login(server, process.env, 'admin@demo.test', 'ADMIN_');
  const [seller, admin, customer, partner] = await Promise.all([
    signIn(server, 'seller', theSeller),
    signIn(server, 'admin', theAdmin),
    register(server, 'customer', { name: 'Asha' }),
    register(server, 'partner', { name: 'Ravi', partner: { vehicle: 'SCOOTER', vehicleNumber: 'KA01AB1234' } }),
  ]);
  return { customer, partner, seller, admin };
}

/**
 * @param {string} server
 * @param {string} who
 * @param {ReturnType<typeof login>} account
 */
async function signIn(server, who, account) {
  const answer = await new Line(server, who).send('SignIn', { input: account });
  does(who, `signs in as ${account.email}`);
  return personOf(server, who, answer);
}

/**
 * @param {string} server
 * @param {string} who
 * @param {Pick<RegisterInput, 'name' | 'partner'>} details
 */
async function register(server, who, details) {
  const email = `${who}-${run}@demo.test`;
  const input = { email, password: randomUUID(), ...details };
  const answer = await new Line(server, who).send('Register', { input });
  does(who, `registers as ${email}`);
  return personOf(server, who, answer);
}

/**
 * @param {string} server
 * @param {string} who
 * @param {SignedIn} answer
 * @returns {Person}
 */
function personOf(server, who, { tokens, user }) {
  const line = new Line(server, who, present(tokens, `${who}'s tokens`).accessToken);
  return { line, id: present(user, `${who}'s user`).id };
}

/**
 * @param {Person} partner
 * @param {boolean} available
 */
export async function setAvailable(partner, available) {
  const { user } = await partner.line.send('SetAvailability', { input: { available } });
  expect(user?.partner?.available === available, `the partner is ${available ? '' : 'not '}available`, user);
  does('partner', available ? 'is available' : 'goes home');
}
