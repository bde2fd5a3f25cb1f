import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
  Kind,
  typeFromAST,
} from 'graphql';

/**
 * @typedef {import('graphql').GraphQLSchema} GraphQLSchema
 * @typedef {import('graphql').GraphQLType} GraphQLType
 * @typedef {import('graphql').GraphQLNamedType} GraphQLNamedType
 * @typedef {import('graphql').OperationDefinitionNode} OperationDefinitionNode
 * @typedef {import('graphql').FragmentDefinitionNode} FragmentDefinitionNode
 * @typedef {import('graphql').FieldNode} FieldNode
 * @typedef {import('graphql').SelectionNode} SelectionNode
 */

const NUMBERS = new Set(['Int', 'Float']);

/**
 * What each operation takes and gives, as TypeScript: the story's variables and answers are then checked against the
 * very documents it sends. It covers what story.graphql uses; a project with more than that wants a code generator.
 *
 * @param {GraphQLSchema} schema
 * @param {OperationDefinitionNode[]} operations
 * @param {Map<string, FragmentDefinitionNode>} fragments
 */
export function typesOf(schema, operations, fragments) {
  /** @type {Map<string, string>} */
  const declared = new Map();

  /**
   * @param {GraphQLType} type
   * @param {(named: GraphQLNamedType) => string} render
   * @returns {string}
   */
  function wrapped(type, render) {
    const nullable = getNullableType(type);
    const inner = isListType(nullable) ? `Array<${wrapped(nullable.ofType, render)}>` : render(getNamedType(type));
    return isNonNullType(type) ? inner : `${inner} | null`;
  }

  /** @param {GraphQLNamedType} type */
  function leaf(type) {
    if (!isEnumType(type)) return type.name === 'Boolean' ? 'boolean' : NUMBERS.has(type.name) ? 'number' : 'string';
    const values = type.getValues().map(({ name }) => `'${name}'`);
    declared.set(type.name, `export type ${type.name} = ${values.join(' | ')};`);
    return type.name;
  }

  /**
   * @param {GraphQLNamedType} type
   * @returns {string}
   */
  function input(type) {
    if (!isInputObjectType(type)) return leaf(type);
    if (!declared.has(type.name)) {
      declared.set(type.name, ''); // taken before its fields, which may lead back to it
      const fields = Object.values(type.getFields()).map(
        (field) => `  ${field.name}${isRequiredInputField(field) ? '' : '?'}: ${wrapped(field.type, input)};`,
      );
      declared.set(type.name, `export interface ${type.name} {\n${fields.join('\n')}\n}`);
    }
    return type.name;
  }

  /**
   * The fields that an object of this type answers with, fragments opened, by the name they have in the answer.
   *
   * @param {import('graphql').GraphQLObjectType} type
   * @param {readonly SelectionNode[]} selections
   * @param {Map<string, FieldNode[]>} fields
   */
  function collect(type, selections, fields = new Map()) {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        fields.set(key, [...(fields.get(key) ?? []), selection]);
        continue;
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      if (fragment === undefined) continue;
      const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
      const applies =
        !condition || condition === type || (isAbstractType(condition) && schema.isSubType(condition, type));
      if (applies) collect(type, fragment.selectionSet.selections, fields);
    }
    return fields;
  }

  /**
   * @param {GraphQLNamedType} type
   * @param {readonly SelectionNode[]} selections
   * @param {string} indent
   * @returns {string}
   */
  function output(type, selections, indent) {
    if (!isAbstractType(type) && !isObjectType(type)) return leaf(type);
    const [only, ...others] = selections;
    const fragment = only?.kind === Kind.FRAGMENT_SPREAD ? fragments.get(only.name.value) : undefined;
    if (fragment && others.length === 0 && fragment.typeCondition.name.value === type.name) {
      const { name } = fragment;
      declared.set(name.value, `export type ${name.value} = ${output(type, fragment.selectionSet.selections, '')};`);
      return name.value;
    }
    const inner = isAbstractType(type) ? `${indent}    ` : indent;
    const shapes = (isAbstractType(type) ? schema.getPossibleTypes(type) : [type]).map((object) => {
      const lines = [...collect(object, selections)].map(([key, nodes]) => {
        const [first] = nodes;
        if (first === undefined || first.name.value === '__typename') return `${inner}  ${key}: '${object.name}';`;
        const field = object.getFields()[first.name.value];
        if (field === undefined) throw new Error(`${object.name} has no field ${first.name.value}`);
        const below = nodes.flatMap((node) => node.selectionSet?.selections ?? []);
        return `${inner}  ${key}: ${wrapped(field.type, (named) => output(named, below, `${inner}  `))};`;
      });
      return `{\n${lines.join('\n')}\n${inner}}`;
    });
    const distinct = [...new Set(shapes)];
    return isAbstractType(type) ? `(\n${indent}  | ${distinct.join(`\n${indent}  | `)}\n${indent})` : distinct.join();
  }

  const entries = operations.map((operation) => {
    const root = schema.getRootType(operation.operation);
    if (!root) throw new Error(`the schema has no ${operation.operation}`);
    const variables = (operation.variableDefinitions ?? []).map(({ variable, type: node, defaultValue }) => {
      const type = typeFromAST(schema, /** @type {import('graphql').NamedTypeNode} */ (node));
      if (!type) throw new Error(`the schema has no type for $${variable.name.value}`);
      const optional = !isNonNullType(type) || defaultValue ? '?' : '';
      return `      ${variable.name.value}${optional}: ${wrapped(type, input)};`;
    });
    const taken = variables.length === 0 ? '{}' : `{\n${variables.join('\n')}\n    }`;
    const data = output(root, operation.selectionSet.selections, '    ');
    return `  ${operation.name?.value}: {\n    variables: ${taken};\n    data: ${data};\n  };`;
  });

  return [
    '// Written by `npm run check` from story.graphql and the schema; a change made here is lost.',
    `export interface Operations {\n${entries.join('\n')}\n}`,
    ...[...declared].sort(([a], [b]) => a.localeCompare(b)).map(([, text]) => text),
    '',
  ].join('\n\n').replace(/\n\n$/, '\n');
}
