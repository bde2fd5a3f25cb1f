// Stands in for Prettier's JavaScript plugins, of which GraphiQL uses no more than JSON with comments;
// they weigh half a megabyte, and the parser that GraphiQL contains already can format it.

import { applyEdits, format } from 'jsonc-parser';

const astFormat = 'jsonc';

export const parsers = {
  jsonc: {
    astFormat,
    parse: (text) => ({ text }),
    locStart: () => 0,
    locEnd: (ast) => ast.text.length,
  },
};

export const printers = {
  [astFormat]: {
    print: ({ node }) =>
      applyEdits(node.text, format(node.text, undefined, { insertSpaces: true, tabSize: 2, insertFinalNewline: true })),
  },
};
