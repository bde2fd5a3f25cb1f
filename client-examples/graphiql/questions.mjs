// The files, in the order in which GraphiQL shows them, each in a tab.
import { readFileSync } from 'node:fs';

export const files = ['today', 'partners', 'money', 'accounts', 'machinery', 'live'];

export const questions = files.map((name) => readFileSync(new URL(`${name}.graphql`, import.meta.url), 'utf8'));
