/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Why a partner did not get, or no longer has, a claim. */
export type ClaimLostReason =
  /** The partner carries as many orders as they may. */
  | 'AT_CAPACITY'
  /** Its time ran out. */
  | 'EXPIRED'
  /** The order is not offered to partners now. */
  | 'NOT_AVAILABLE'
  /** Another partner was first. */
  | 'TAKEN'
  /** The order was cancelled or given to another. */
  | 'WITHDRAWN';

/** The stable code of a refusal. New ones may be added: treat what you do not know as a failure without a special case. */
export type ErrorCode =
  /** A record with this natural key exists. */
  | 'ALREADY_EXISTS'
  /** The total is not what the client expected. */
  | 'CART_CHANGED'
  /** There is nothing to order. */
  | 'CART_EMPTY'
  /** The order's chat is not open. */
  | 'CHAT_CLOSED'
  /** The claim could not be had, or has ended. */
  | 'CLAIM_LOST'
  /** Another account uses this e-mail address. */
  | 'EMAIL_TAKEN'
  /** The first request with this key is still being worked on. */
  | 'IDEMPOTENCY_IN_PROGRESS'
  /** The idempotency key was used with other input. */
  | 'IDEMPOTENCY_MISMATCH'
  /** The order cannot take that step from where it is. */
  | 'ILLEGAL_TRANSITION'
  /** Less is available than was asked for. */
  | 'INSUFFICIENT_STOCK'
  /** E-mail and password do not match an active account. */
  | 'INVALID_CREDENTIALS'
  /** A value breaks a limit or a format; `field` says which. */
  | 'INVALID_INPUT'
  /** A token is malformed, expired, used or revoked. */
  | 'INVALID_TOKEN'
  /** It does not exist, or the viewer may not know that it does. */
  | 'NOT_FOUND'
  /** The partner has not said that they are available. */
  | 'PARTNER_OFFLINE'
  /** The provider declined the payment. */
  | 'PAYMENT_DECLINED'
  /** This payment is not possible for this order. */
  | 'PAYMENT_NOT_ALLOWED'
  /** The product is no longer sold. */
  | 'PRODUCT_UNAVAILABLE'
  /** The promo code does not exist or does not apply. */
  | 'PROMO_INVALID'
  /** The step needs a proof that was not given. */
  | 'PROOF_REQUIRED'
  /** The proof is not the right one. */
  | 'PROOF_WRONG'
  /** More than what is left of the payment. */
  | 'REFUND_TOO_LARGE'
  /** The record changed since the client read it. */
  | 'VERSION_CONFLICT'
  /** The password is too easy to guess. */
  | 'WEAK_PASSWORD';

/** A position on the earth, WGS 84. */
export type GeoPointInput = {
  /** Degrees north of the equator, -90 to 90. */
  latitude: number;
  /** Degrees east of Greenwich, -180 to 180. */
  longitude: number;
};

/** An account's e-mail address and password. */
export type LoginInput = {
  /** The account's address; upper and lower case are the same. */
  email: string;
  /** Its password. */
  password: string;
};

/** What a partner says besides. */
export type PartnerSignupInput = {
  /** Their driving licence; at most 40 characters. Never shown. */
  licenseNumber?: string | null | undefined;
  /** What they ride. */
  vehicle: VehicleType;
  /** Its plate; at most 20 characters. */
  vehicleNumber?: string | null | undefined;
};

/** A refresh token to exchange. */
export type RefreshTokensInput = {
  /** The token that came last; it works once. */
  refreshToken: string;
};

/**
 * Registers a CUSTOMER, or a PARTNER when `partner` is given, or a SELLER when `seller` is given. Admins are made by admins
 * or the command line.
 */
export type RegisterInput = {
  /** Signs the account in; upper and lower case are the same. */
  email: string;
  /** As the user writes it; 1 to 120 characters. */
  name: string;
  /** Makes the account a partner's. */
  partner?: PartnerSignupInput | null | undefined;
  /** 8 to 128 characters of any kind; not the e-mail address, and none of the most common passwords. */
  password: string;
  /** Telephone number with country code, e.g. `+91 80 1234 5678`. */
  phone?: string | null | undefined;
  /** Makes the account a seller's. */
  seller?: SellerSignupInput | null | undefined;
};

/** What a user is; decides which fields they may use. */
export type Role =
  /** Runs the platform. */
  | 'ADMIN'
  /** Orders. */
  | 'CUSTOMER'
  /** Delivers. */
  | 'PARTNER'
  /** Sells. */
  | 'SELLER';

/** What a seller says besides. */
export type SellerSignupInput = {
  /** Where partners pick up. */
  location: GeoPointInput;
  /** The store as customers see it; 1 to 120 characters. */
  storeName: string;
};

/** What a partner rides. */
export type VehicleType =
  /** A bicycle. */
  | 'BICYCLE'
  /** A motorbike. */
  | 'BIKE'
  /** A car. */
  | 'CAR'
  /** None: on foot. */
  | 'ON_FOOT'
  /** A scooter. */
  | 'SCOOTER'
  /** A van. */
  | 'VAN';

type Problem_ClaimLost_Fragment = { __typename: 'ClaimLost', retryAfter: string | null, code: ErrorCode, message: string, field: Array<string> | null, lostReason: ClaimLostReason } & { ' $fragmentName'?: 'Problem_ClaimLost_Fragment' };

type Problem_GenericError_Fragment = { __typename: 'GenericError', code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Problem_GenericError_Fragment' };

type Problem_IllegalTransition_Fragment = { __typename: 'IllegalTransition', code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Problem_IllegalTransition_Fragment' };

type Problem_InsufficientStock_Fragment = { __typename: 'InsufficientStock', available: number, code: ErrorCode, message: string, field: Array<string> | null, product: { id: string, name: string } } & { ' $fragmentName'?: 'Problem_InsufficientStock_Fragment' };

export type ProblemFragment =
  | Problem_ClaimLost_Fragment
  | Problem_GenericError_Fragment
  | Problem_IllegalTransition_Fragment
  | Problem_InsufficientStock_Fragment
;

export type SignedInFragment = { tokens: { accessToken: string, refreshToken: string } | null, user: { id: string, name: string, role: Role } | null, userErrors: Array<
    | { ' $fragmentRefs'?: { 'Problem_ClaimLost_Fragment': Problem_ClaimLost_Fragment } }
    | { ' $fragmentRefs'?: { 'Problem_GenericError_Fragment': Problem_GenericError_Fragment } }
    | { ' $fragmentRefs'?: { 'Problem_IllegalTransition_Fragment': Problem_IllegalTransition_Fragment } }
    | { ' $fragmentRefs'?: { 'Problem_InsufficientStock_Fragment': Problem_InsufficientStock_Fragment } }
  > } & { ' $fragmentName'?: 'SignedInFragment' };

export type LoginMutationVariables = Exact<{
  input: LoginInput;
}>;


export type LoginMutation = { session: { ' $fragmentRefs'?: { 'SignedInFragment': SignedInFragment } } };

export type RegisterMutationVariables = Exact<{
  input: RegisterInput;
}>;


export type RegisterMutation = { session: { ' $fragmentRefs'?: { 'SignedInFragment': SignedInFragment } } };

export type RenewMutationVariables = Exact<{
  input: RefreshTokensInput;
}>;


export type RenewMutation = { session: { ' $fragmentRefs'?: { 'SignedInFragment': SignedInFragment } } };

export const ProblemFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Problem"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InsufficientStock"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ClaimLost"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"lostReason"},"name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}}]} as unknown as DocumentNode<ProblemFragment, unknown>;
export const SignedInFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"SignedIn"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AuthPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"tokens"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}},{"kind":"Field","name":{"kind":"Name","value":"user"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"role"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Problem"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Problem"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InsufficientStock"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ClaimLost"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"lostReason"},"name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}}]} as unknown as DocumentNode<SignedInFragment, unknown>;
export const LoginDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Login"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"LoginInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"session"},"name":{"kind":"Name","value":"login"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"SignedIn"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Problem"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InsufficientStock"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ClaimLost"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"lostReason"},"name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"SignedIn"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AuthPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"tokens"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}},{"kind":"Field","name":{"kind":"Name","value":"user"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"role"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Problem"}}]}}]}}]} as unknown as DocumentNode<LoginMutation, LoginMutationVariables>;
export const RegisterDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Register"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RegisterInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"session"},"name":{"kind":"Name","value":"register"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"SignedIn"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Problem"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InsufficientStock"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ClaimLost"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"lostReason"},"name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"SignedIn"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AuthPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"tokens"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}},{"kind":"Field","name":{"kind":"Name","value":"user"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"role"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Problem"}}]}}]}}]} as unknown as DocumentNode<RegisterMutation, RegisterMutationVariables>;
export const RenewDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Renew"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RefreshTokensInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"session"},"name":{"kind":"Name","value":"refreshTokens"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"SignedIn"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Problem"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InsufficientStock"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"available"}},{"kind":"Field","name":{"kind":"Name","value":"product"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ClaimLost"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"lostReason"},"name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"SignedIn"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AuthPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"tokens"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}},{"kind":"Field","name":{"kind":"Name","value":"user"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"role"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Problem"}}]}}]}}]} as unknown as DocumentNode<RenewMutation, RenewMutationVariables>;