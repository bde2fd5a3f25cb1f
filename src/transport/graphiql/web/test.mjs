// Checks the ready tabs against the server's schema, and dist against what the page loads.
// Usage: node test.mjs [schema.graphql]

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { buildSchema, getOperationAST, isRequiredArgument, Kind, parse, typeFromAST, validate } from 'graphql';
import { coerceInputValue } from 'graphql/utilities/coerceInputValue.js';
import { parse as parseJsonc } from 'jsonc-parser';

import { questions } from '../../../../client-examples/graphiql/questions.mjs';
import { defaultHeaders, questionTab, tabs } from './src/tabs.js';

const root = path.dirname(fileURLToPath(import.meta.url));
// An argument after the script's name; under `npm test` that is `npm test -- <path>`.
const schemaFile = process.argv[2] ?? path.join(root, '../../../../schema.graphql');
const schema = buildSchema(await readFile(schemaFile, 'utf8'));

function jsonc(text) {
  const errors = [];
  const value = parseJsonc(text, errors);
  assert.deepEqual(errors, [], text);
  return value;
}

const names = [];
const all = [...tabs, ...questions.map(questionTab)];
for (const tab of all) {
  const document = parse(tab.query);
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const [first] = operations;
  names.push(first.name.value);

  test(`tab ${first.name.value}`, () => {
    assert.deepEqual(validate(schema, document), []);
    assert.match(tab.query, /^# .+\n/, 'starts with a comment that explains it');
    // GraphiQL finds a tab's title with this expression before it has parsed the document.
    assert.equal(/^(?!#).*(query|subscription|mutation)\s+([a-zA-Z0-9_]+)/m.exec(tab.query)[2], first.name.value);

    const headers = jsonc(tab.headers);
    assert.deepEqual(Object.keys(headers), ['Authorization']);

    const values = tab.variables ? jsonc(tab.variables) : {};
    const declared = new Map();
    for (const { name } of operations) {
      for (const variable of getOperationAST(document, name.value).variableDefinitions) {
        declared.set(variable.variable.name.value, typeFromAST(schema, variable.type));
      }
    }
    for (const [name, type] of declared) {
      assert.ok(!isRequiredArgument({ type }) || name in values, `$${name} is filled in`);
    }
    for (const [name, value] of Object.entries(values)) {
      assert.ok(declared.has(name), `$${name} is declared`);
      coerceInputValue(value, declared.get(name));
    }
  });
}

test('every tab has its own name', () => {
  assert.equal(new Set(names).size, all.length, names.join(', '));
});

test('new tabs have a place for the token', () => {
  assert.deepEqual(jsonc(defaultHeaders), { Authorization: 'Bearer ' });
});

test('dist has what the page loads, and loads from nowhere else', async () => {
  const dist = path.join(root, '../dist');
  const files = new Map();
  for (const name of await readdir(dist)) {
    assert.match(name, /\.gz$/);
    const compressed = await readFile(path.join(dist, name));
    assert.deepEqual([...compressed.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3], `${name}: no time, no name`);
    files.set(name.slice(0, -3), gunzipSync(compressed).toString());
  }
  const page = files.get('index.html');
  const loaded = [...page.matchAll(/(?:src|href)="(?!data:)([^"]*)"/g)].map(([, url]) => url);
  const styled = [...files.get('graphiql.css').matchAll(/url\(["']?(?!["']?data:)([^"')]*)/g)].map(([, url]) => url);
  assert.ok(loaded.length > 0 && styled.length > 0);
  for (const url of [...loaded, ...styled]) {
    assert.match(url, /^(\/graphiql|\.)\/[^/]+$/);
    assert.ok(files.has(path.basename(url)), `${url} is in dist`);
  }
  for (const code of ['graphiql.js', 'worker.js']) {
    for (const [, specifier] of files.get(code).matchAll(/\b(?:import\(|from)"(\.[^"]*)"/g)) {
      assert.ok(specifier.startsWith('./') && files.has(path.basename(specifier)), `${specifier} is in dist`);
    }
  }
});

test('dist has the questions as they are in client-examples', async () => {
  const built = gunzipSync(await readFile(path.join(root, '../dist/questions.js.gz'))).toString();
  assert.deepEqual((await import(`data:text/javascript,${encodeURIComponent(built)}`)).questions, questions);
});
