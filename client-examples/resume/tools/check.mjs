// Holds the documents to a schema: node tools/check.mjs [schema.graphql]
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, parse, validate } from 'graphql';
import { MY_ORDERS } from '../orders.mjs';
import { RENEW, SIGN_IN } from '../session.mjs';

const path = process.argv[2] ?? fileURLToPath(new URL('../../../schema.graphql', import.meta.url));
const schema = buildSchema(readFileSync(path, 'utf8'));

const documents = [MY_ORDERS, RENEW, SIGN_IN];
const errors = documents.flatMap((document) => validate(schema, parse(document)));
for (const error of errors) console.error(`${error}\n`);

if (errors.length > 0) {
  console.error(`check: the documents do not fit the schema, ${errors.length} problem(s)`);
  process.exitCode = 1;
} else {
  console.log(`check: ${documents.length} documents fit the schema`);
}
