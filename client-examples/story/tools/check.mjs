// Holds story.graphql to a schema: node tools/check.mjs [schema.graphql]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, validate } from 'graphql';
import { document, fragments, operations } from '../client/documents.mjs';
import { typesOf } from './types.mjs';

const path = process.argv[2] ?? fileURLToPath(new URL('../../../schema.graphql', import.meta.url));
const schema = buildSchema(readFileSync(path, 'utf8'));

const errors = validate(schema, document);
for (const error of errors) console.error(`${error}\n`);

if (errors.length > 0) {
  console.error(`check: story.graphql does not fit the schema, ${errors.length} problem(s)`);
  process.exitCode = 1;
} else {
  // The type check that follows must see this schema, not the one of the last commit.
  const target = new URL('../operations.d.ts', import.meta.url);
  writeFileSync(target, typesOf(schema, operations, fragments));
  console.log(`check: ${operations.length} operations fit the schema`);
}
