// Asks a server: node ask.mjs [NAME of a question, or `all`] [server]
//
// As whom EMAIL and PASSWORD name; on this machine that is the demo's admin if they do not. SEARCH is what to look for, FROM and TO
// are a period other than the last week.
// Of what is followed it prints what comes first.
import { Kind, parse, print, separateOperations } from 'graphql';
import { login } from './login.mjs';
import { questions } from './questions.mjs';

const { env } = process;
const [name = 'Today', server = env.QUICK_COMMERCE_URL ?? 'http://127.0.0.1:8080'] = process.argv.slice(2);
const { SEARCH } = env;
const account = login(server, env, 'admin@demo.test');
const WEEK_MS = 7 * 24 * 3_600_000;

const SIGN_IN = `mutation SignIn($input: LoginInput!) {
  session: login(input: $input) { tokens { accessToken } userErrors { message } }
}`;

/** What the variables of a question may be. */
const known = {
  from: env.FROM ?? new Date(Date.now() - WEEK_MS).toISOString(),
  to: env.TO ?? new Date().toISOString(),
  ...(SEARCH && { search: SEARCH }),
};

/**
 * @param {string} query
 * @param {Record<string, unknown>} variables
 * @param {string} [token]
 */
async function ask(query, variables, token) {
  const isFollowed = query.startsWith('subscription');
  const reply = await fetch(new URL('/graphql', server), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: isFollowed ? 'text/event-stream' : 'application/json',
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(30_000),
  });
  const { data, errors } = isFollowed ? await firstOf(reply) : await reply.json();
  if (errors) throw new Error(errors.map((/** @type {{ message: string }} */ { message }) => message).join(' '));
  return data;
}

/** @param {Response} reply */
async function firstOf(reply) {
  let text = '';
  for await (const part of /** @type {any} */ (reply.body).pipeThrough(new TextDecoderStream())) {
    text += part;
    const [, data] = /^data: ?(.+)\n/m.exec(text) ?? [];
    if (data) return JSON.parse(data);
  }
  throw new Error(`HTTP ${reply.status}: ${text}`);
}

/** @type {Map<string, { query: string, variables: Record<string, unknown> }>} */
const operations = new Map();
for (const question of questions) {
  for (const [operation, document] of Object.entries(separateOperations(parse(question)))) {
    const [definition] = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    const declared = /** @type {import('graphql').OperationDefinitionNode} */ (definition).variableDefinitions ?? [];
    const taken = Object.entries(known).filter(([key]) => declared.some(({ variable }) => variable.name.value === key));
    operations.set(operation, { query: print(document), variables: Object.fromEntries(taken) });
  }
}

const chosen = name === 'all' ? [...operations] : [...operations].filter(([operation]) => operation === name);
if (chosen.length === 0) throw new Error(`there is ${[...operations.keys()].join(', ')}, and no ${name}`);

const { session } = await ask(SIGN_IN, { input: account });
if (!session.tokens) throw new Error(session.userErrors[0].message);
for (const [operation, { query, variables }] of chosen) {
  console.log(`# ${operation}`);
  console.log(JSON.stringify(await ask(query, variables, session.tokens.accessToken), null, 2));
}
