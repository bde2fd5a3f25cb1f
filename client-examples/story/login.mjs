import { Failure } from './client/failure.mjs';

/** Where the demo's accounts may be somebody's default: anybody knows their password, and elsewhere they would be tried on strangers. */
const THIS_MACHINE = ['localhost', '127.0.0.1', '[::1]'];

const DEMO_PASSWORD = 'quick-commerce';

/**
 * Whose account to use at `server`: what `env` says, or the demo's when the server is on this machine.
 *
 * @param {string} server
 * @param {NodeJS.ProcessEnv} env
 * @param {string} demo
 * @param {string} prefix of the variables that say so
 */
export function login(server, env, demo, prefix) {
  const isHere = THIS_MACHINE.includes(new URL(server).hostname);
  const email = env[`${prefix}EMAIL`] || (isHere && demo);
  const password = env[`${prefix}PASSWORD`] || (isHere && DEMO_PASSWORD);
  if (email && password) return { email, password };
  throw new Failure(`${server} is not on this machine: set ${prefix}EMAIL and ${prefix}PASSWORD, whose account to use there`);
}
