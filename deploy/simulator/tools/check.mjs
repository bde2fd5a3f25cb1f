// Holds operations.graphql to a schema: node tools/check.mjs [schema.graphql]
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, parse, validate } from 'graphql';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const schema = buildSchema(readFileSync(process.argv[2] ?? here('../../../schema.graphql'), 'utf8'));
const document = parse(readFileSync(here('../operations.graphql'), 'utf8'));
const errors = validate(schema, document);
for (const error of errors) console.error(`${error}\n`);
if (errors.length > 0) {
  console.error(`check: operations.graphql does not fit the schema, ${errors.length} problem(s)`);
  process.exitCode = 1;
} else {
  console.log(`check: ${document.definitions.length} definitions fit the schema`);
}
