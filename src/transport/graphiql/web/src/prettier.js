// What the "prettify" button needs for GraphQL; a file of its own, loaded when it is first pressed.

export { format } from 'prettier/standalone';
export { languages, parsers, printers } from 'prettier/plugins/graphql';
