import { readdirSync, readFileSync } from 'node:fs';
import { expect } from '@playwright/test';
import { test } from './support/shop';

const FOLDER = new URL('../../graphiql/', import.meta.url);

/** The names of the operations in client-examples/graphiql, the first of each file. */
const questions = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.graphql'))
  .map(
    (name) => /^(?:query|subscription) (\w+)/m.exec(readFileSync(new URL(name, FOLDER), 'utf8'))?.[1] ?? name,
  );

test('GraphiQL opens with what admins ask every day', async ({ page, shop }) => {
  await page.goto(`${shop.server.url}/graphiql`);
  expect(questions.length).toBeGreaterThan(4);
  for (const name of questions) await expect(page.getByRole('tab', { name, exact: true })).toBeAttached();
});
