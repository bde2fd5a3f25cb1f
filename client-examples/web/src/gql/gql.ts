/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  fragment Problem on UserError {\n    __typename\n    code\n    message\n    field\n    ... on InsufficientStock {\n      available\n      product {\n        id\n        name\n      }\n    }\n    ... on ClaimLost {\n      lostReason: reason\n      retryAfter\n    }\n  }\n": typeof types.ProblemFragmentDoc,
    "\n  fragment SignedIn on AuthPayload {\n    tokens {\n      accessToken\n      refreshToken\n    }\n    user {\n      id\n      name\n      role\n    }\n    userErrors {\n      ...Problem\n    }\n  }\n": typeof types.SignedInFragmentDoc,
    "\n  mutation Login($input: LoginInput!) {\n    session: login(input: $input) {\n      ...SignedIn\n    }\n  }\n": typeof types.LoginDocument,
    "\n  mutation Register($input: RegisterInput!) {\n    session: register(input: $input) {\n      ...SignedIn\n    }\n  }\n": typeof types.RegisterDocument,
    "\n  mutation Renew($input: RefreshTokensInput!) {\n    session: refreshTokens(input: $input) {\n      ...SignedIn\n    }\n  }\n": typeof types.RenewDocument,
};
const documents: Documents = {
    "\n  fragment Problem on UserError {\n    __typename\n    code\n    message\n    field\n    ... on InsufficientStock {\n      available\n      product {\n        id\n        name\n      }\n    }\n    ... on ClaimLost {\n      lostReason: reason\n      retryAfter\n    }\n  }\n": types.ProblemFragmentDoc,
    "\n  fragment SignedIn on AuthPayload {\n    tokens {\n      accessToken\n      refreshToken\n    }\n    user {\n      id\n      name\n      role\n    }\n    userErrors {\n      ...Problem\n    }\n  }\n": types.SignedInFragmentDoc,
    "\n  mutation Login($input: LoginInput!) {\n    session: login(input: $input) {\n      ...SignedIn\n    }\n  }\n": types.LoginDocument,
    "\n  mutation Register($input: RegisterInput!) {\n    session: register(input: $input) {\n      ...SignedIn\n    }\n  }\n": types.RegisterDocument,
    "\n  mutation Renew($input: RefreshTokensInput!) {\n    session: refreshTokens(input: $input) {\n      ...SignedIn\n    }\n  }\n": types.RenewDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment Problem on UserError {\n    __typename\n    code\n    message\n    field\n    ... on InsufficientStock {\n      available\n      product {\n        id\n        name\n      }\n    }\n    ... on ClaimLost {\n      lostReason: reason\n      retryAfter\n    }\n  }\n"): (typeof documents)["\n  fragment Problem on UserError {\n    __typename\n    code\n    message\n    field\n    ... on InsufficientStock {\n      available\n      product {\n        id\n        name\n      }\n    }\n    ... on ClaimLost {\n      lostReason: reason\n      retryAfter\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment SignedIn on AuthPayload {\n    tokens {\n      accessToken\n      refreshToken\n    }\n    user {\n      id\n      name\n      role\n    }\n    userErrors {\n      ...Problem\n    }\n  }\n"): (typeof documents)["\n  fragment SignedIn on AuthPayload {\n    tokens {\n      accessToken\n      refreshToken\n    }\n    user {\n      id\n      name\n      role\n    }\n    userErrors {\n      ...Problem\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Login($input: LoginInput!) {\n    session: login(input: $input) {\n      ...SignedIn\n    }\n  }\n"): (typeof documents)["\n  mutation Login($input: LoginInput!) {\n    session: login(input: $input) {\n      ...SignedIn\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Register($input: RegisterInput!) {\n    session: register(input: $input) {\n      ...SignedIn\n    }\n  }\n"): (typeof documents)["\n  mutation Register($input: RegisterInput!) {\n    session: register(input: $input) {\n      ...SignedIn\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Renew($input: RefreshTokensInput!) {\n    session: refreshTokens(input: $input) {\n      ...SignedIn\n    }\n  }\n"): (typeof documents)["\n  mutation Renew($input: RefreshTokensInput!) {\n    session: refreshTokens(input: $input) {\n      ...SignedIn\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;