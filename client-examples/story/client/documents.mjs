import { readFileSync } from 'node:fs';
import { Kind, parse, print, separateOperations } from 'graphql';

const source = readFileSync(new URL('../story.graphql', import.meta.url), 'utf8');

export const document = parse(source);

// A server validates and prices all it is sent, so each request carries its own operation and nothing else.
const separated = separateOperations(document);

/** @typedef {import('../operations.d.ts').Operations} Operations */
/** @typedef {keyof Operations & string} OperationName */

/** @type {ReadonlyMap<string, string>} */
const texts = new Map(Object.entries(separated).map(([name, operation]) => [name, print(operation)]));

/**
 * The text of one operation, with the fragments that it uses.
 *
 * @param {OperationName} name
 */
export function textOf(name) {
  const text = texts.get(name);
  if (text === undefined) throw new Error(`story.graphql has no operation ${name}`);
  return text;
}

export const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
export const fragments = new Map(
  document.definitions
    .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
    .map((fragment) => [fragment.name.value, fragment]),
);
