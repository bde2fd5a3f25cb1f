// Holds a schema against another that it has to keep: prints what would break a client of that one, and exits with 1 if anything
// does. `node contract.mjs CONTRACT SCHEMA`
import { readFileSync } from 'node:fs';
import { buildSchema, DangerousChangeType, findBreakingChanges, findDangerousChanges } from 'graphql';

const [contract, schema] = process.argv
  .slice(2)
  .map((file) => buildSchema(readFileSync(file, 'utf8'), { assumeValidSDL: true }));
if (!contract || !schema) throw new Error('usage: node contract.mjs CONTRACT SCHEMA');

// What is added is nobody's harm; whoever leaves an argument out means what it meant.
const defaults = findDangerousChanges(contract, schema).filter(
  ({ type }) => type === DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE,
);
const changes = [...findBreakingChanges(contract, schema), ...defaults];
for (const { type, description } of changes) console.log(`${type}: ${description}`);
console.log(`${changes.length} differences`);
process.exitCode = changes.length > 0 ? 1 : 0;
