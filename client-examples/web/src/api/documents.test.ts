import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type DocumentNode,
  getNamedType,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import * as documents from '../gql/graphql';

const schema = buildSchema(readFileSync(new URL('../../../../schema.graphql', import.meta.url), 'utf8'));
const operations: [string, DocumentNode][] = Object.entries(documents).flatMap(([name, document]) =>
  name.endsWith('Document') ? [[name, document as DocumentNode]] : [],
);

/** Selections of orders and carts that do not say which version of which one. */
function withoutVersion(document: DocumentNode): string[] {
  const found: string[] = [];
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      SelectionSet(set) {
        const type = types.getParentType();
        if (!type || !['Order', 'Cart'].includes(getNamedType(type).name)) return;
        const fields = set.selections.flatMap((part) => (part.kind === Kind.FIELD ? [part.name.value] : []));
        if (!fields.includes('id') || !fields.includes('version')) found.push(fields.join(' '));
      },
    }),
  );
  return found;
}

describe('the documents', () => {
  it('are there', () => {
    expect(operations.length).toBeGreaterThan(40);
  });

  it.each(operations)('%s asks for the id and the version of each order and cart', (_, document) => {
    expect(withoutVersion(document)).toEqual([]);
  });

  it.each(operations.filter(([, document]) => JSON.stringify(document).includes('"after"')))(
    '%s, which can resume, asks for the cursor of every kind of item',
    (_, document) => {
      const [operation] = document.definitions;
      if (operation?.kind !== Kind.OPERATION_DEFINITION || operation.operation !== 'subscription') return;
      const [field] = operation.selectionSet.selections;
      if (field?.kind !== Kind.FIELD) throw new Error('a subscription has one field');
      const item = getNamedType(schema.getSubscriptionType()?.getFields()[field.name.value]?.type);
      const kinds = (field.selectionSet?.selections ?? []).flatMap((part) =>
        part.kind === Kind.INLINE_FRAGMENT &&
        part.selectionSet.selections.some((one) => one.kind === Kind.FIELD && one.name.value === 'cursor')
          ? [part.typeCondition?.name.value]
          : [],
      );
      const all = item && 'getTypes' in item ? item.getTypes().map(({ name }) => name) : [];
      expect(kinds.toSorted()).toEqual(all.toSorted());
    },
  );
});
