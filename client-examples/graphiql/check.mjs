// Holds the questions to a schema, and GraphiQL to the questions: node check.mjs [schema.graphql]
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { buildSchema, Kind, parse, validate } from 'graphql';
import { files, questions } from './questions.mjs';

const path = process.argv[2] ?? fileURLToPath(new URL('../../schema.graphql', import.meta.url));
const schema = buildSchema(readFileSync(path, 'utf8'));
const built = new URL('../../src/transport/graphiql/dist/questions.js.gz', import.meta.url);

/** @type {string[]} */
const problems = [];
const names = new Set();
for (const [place, question] of questions.entries()) {
  const document = parse(question);
  for (const error of validate(schema, document)) problems.push(`${files[place]}.graphql: ${error}`);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const name = definition.name?.value ?? '';
    if (definition.operation === 'mutation') problems.push(`${name} changes something: a question must not`);
    if (names.has(name)) problems.push(`${name} is there twice`);
    names.add(name);
  }
  if (!question.startsWith('# ')) problems.push(`${files[place]}.graphql does not begin with what it is for`);
}

const present = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.graphql'));
if (present.length !== files.length) problems.push('questions.mjs does not list every file');

const { questions: shown } = await import(`data:text/javascript,${encodeURIComponent(gunzipSync(readFileSync(built)).toString())}`);
if (JSON.stringify(shown) !== JSON.stringify(questions)) {
  problems.push('GraphiQL shows other questions: run `npm run build` in src/transport/graphiql/web');
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`check: ${names.size} questions fit the schema, and GraphiQL shows them`);
