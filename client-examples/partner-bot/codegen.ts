import type { CodegenConfig } from '@graphql-codegen/cli';

/** Documents as texts, which is how they are sent; the server's scalars as they are in JSON. */
const config = {
  documentMode: 'string',
  enumsAsTypes: true,
  useTypeImports: true,
  strictScalars: true,
  scalars: { DateTime: 'string', Decimal: 'string', EventCursor: 'string' },
} as const;

const preset = { preset: 'client', presetConfig: { fragmentMasking: false }, config } as const;

export default {
  schema: '../../schema.graphql',
  emitLegacyCommonJSImports: false,
  generates: {
    'src/gql/': { ...preset, documents: 'src/bot.graphql' },
    'selftest/gql/': { ...preset, documents: 'selftest/people.graphql' },
  },
} satisfies CodegenConfig;
