/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
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

/**
 * `accept: true` (the default) takes the order at once; false locks it for a short time, so that the partner can look at
 * it and then `acceptClaim`.
 */
export type ClaimOrderInput = {
  /** Whether to take it at once. */
  accept?: boolean | null | undefined;
  /** 1 to 255 characters; the same key claims once. */
  idempotencyKey: string;
  /** Which order. */
  orderId: string | number;
};

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

/** A step that the viewer could take on an order now. */
export type OrderAction =
  /** Accept the claim that is held. */
  | 'ACCEPT_CLAIM'
  /** Give it to a partner. */
  | 'ASSIGN'
  /** Call it off. */
  | 'CANCEL'
  /** Claim it for delivery. */
  | 'CLAIM'
  /** Confirm it without a payment. */
  | 'CONFIRM'
  /** Hand over. */
  | 'DELIVER'
  /** Say that it cannot be delivered. */
  | 'FAIL'
  /** Say that it can be picked up. */
  | 'MARK_READY'
  /** Write to the other party. */
  | 'MESSAGE'
  /** Start a payment. */
  | 'PAY'
  /** Say that the goods are picked up. */
  | 'PICK_UP'
  /** Begin to pack. */
  | 'PREPARE'
  /** Rate it. */
  | 'RATE'
  /** Give money back. */
  | 'REFUND'
  /** Give the claim back. */
  | 'RELEASE_CLAIM'
  /** Say that the goods are on the way. */
  | 'START_TRANSIT';

/** Where an order is between "placed" and "at the door". New values may be added: tolerate what you do not know. */
export type OrderStatus =
  /** A partner has taken it and is on the way to the store. */
  | 'ASSIGNED'
  /** Called off before pick-up; the goods are back in stock. */
  | 'CANCELLED'
  /** Paid, or payable on delivery. */
  | 'CONFIRMED'
  /** Handed over. */
  | 'DELIVERED'
  /**
   * Picked up but not handed over. What was paid stays until the seller or an admin refunds it, since the goods may be lost or
   * on their way back; nothing more is taken, and a payment that succeeds after all goes back by itself.
   */
  | 'FAILED'
  /** On the way to the customer. */
  | 'IN_TRANSIT'
  /** Placed, not yet paid. */
  | 'PENDING'
  /** The partner has the goods. */
  | 'PICKED_UP'
  /** The store is packing it. */
  | 'PREPARING'
  /** Packed; offered to partners. */
  | 'READY';

/** A refresh token to exchange. */
export type RefreshTokensInput = {
  /** The token that came last; it works once. */
  refreshToken: string;
};

/** Where your device is. */
export type ReportLocationInput = {
  /** The radius in metres within which it is likely to be, 0 to 10,000. */
  accuracyM?: number | null | undefined;
  /** Where it is heading, in degrees clockwise from north, 0 to 360. */
  heading?: number | null | undefined;
  /** Where. */
  point: GeoPointInput;
  /**
   * When it was there, by its own clock; now, unless it is said. Not more than ten seconds ahead, and not longer ago than positions
   * are kept, which is ten minutes unless the server is set up otherwise.
   */
  recordedAt?: string | null | undefined;
  /** How fast it is, in kilometres an hour, 0 to 300. */
  speedKmh?: number | null | undefined;
};

/** Whether you take orders. */
export type SetAvailabilityInput = {
  /** Whether from now on. */
  available: boolean;
};

/** A step of an order. Refused with `ILLEGAL_TRANSITION` unless your role may take it from the present status. */
export type UpdateOrderStatusInput = {
  /** For DELIVERED: what the customer shows at the door. */
  deliveryCode?: string | null | undefined;
  /** Refuse with `VERSION_CONFLICT` when the order's version is not this. */
  expectedVersion?: number | null | undefined;
  /** 1 to 255 characters; the same key takes the step once. */
  idempotencyKey: string;
  /** For the timeline; at most 500 characters. An admin who delivers without the code says here why. */
  note?: string | null | undefined;
  /** Which order. */
  orderId: string | number;
  /** Where to. */
  status: OrderStatus;
};

export type SignInMutationVariables = Exact<{
  input: LoginInput;
}>;


export type SignInMutation = { session: { tokens: { accessToken: string, refreshToken: string } | null, userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type RenewMutationVariables = Exact<{
  input: RefreshTokensInput;
}>;


export type RenewMutation = { session: { tokens: { accessToken: string, refreshToken: string } | null, userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type SignedInFragment = { tokens: { accessToken: string, refreshToken: string } | null, userErrors: Array<
    | { code: ErrorCode, message: string }
    | { code: ErrorCode, message: string }
    | { code: ErrorCode, message: string }
    | { code: ErrorCode, message: string }
  > };

export type TakeUpQueryVariables = Exact<{ [key: string]: never; }>;


export type TakeUpQuery = { viewer: { user: { partner: { capacity: number, location: { point: { latitude: number, longitude: number } } | null } | null } } | null, partner: { deliveries: { nodes: Array<{ id: string, number: string, version: number, status: OrderStatus, viewerActions: Array<OrderAction>, seller: { location: { latitude: number, longitude: number } }, deliveryAddress: { location: { latitude: number, longitude: number } | null } | null }> } } };

export type SetAvailabilityMutationVariables = Exact<{
  input: SetAvailabilityInput;
}>;


export type SetAvailabilityMutation = { setAvailability: { userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type OffersSubscriptionVariables = Exact<{
  near: GeoPointInput;
  radiusKm: number;
  after?: string | null | undefined;
}>;


export type OffersSubscription = { offers:
    | { __typename: 'AvailableOrdersSnapshot', cursor: string, more: boolean, orders: Array<{ orderId: string, number: string, distanceKm: number, pickup: { latitude: number, longitude: number }, payout: { amount: string } }> }
    | { __typename: 'OrderAvailable', cursor: string, order: { orderId: string, number: string, distanceKm: number, pickup: { latitude: number, longitude: number }, payout: { amount: string } } }
    | { __typename: 'OrderUnavailable', cursor: string, orderId: string }
    | { __typename: 'StreamReset', cursor: string }
   };

export type OfferFragment = { orderId: string, number: string, distanceKm: number, pickup: { latitude: number, longitude: number }, payout: { amount: string } };

export type ClaimOrderMutationVariables = Exact<{
  input: ClaimOrderInput;
}>;


export type ClaimOrderMutation = { claimOrder: { order: { id: string, number: string, version: number, status: OrderStatus, viewerActions: Array<OrderAction>, seller: { location: { latitude: number, longitude: number } }, deliveryAddress: { location: { latitude: number, longitude: number } | null } | null } | null, userErrors: Array<
      | { reason: ClaimLostReason, code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type DeliveryUpdatesSubscriptionVariables = Exact<{
  orderId: string | number;
  after?: string | null | undefined;
}>;


export type DeliveryUpdatesSubscription = { update:
    | { __typename: 'OrderChanged', cursor: string, order: { id: string, number: string, version: number, status: OrderStatus, viewerActions: Array<OrderAction>, seller: { location: { latitude: number, longitude: number } }, deliveryAddress: { location: { latitude: number, longitude: number } | null } | null } }
    | { __typename: 'OrderSnapshot', cursor: string, order: { id: string, number: string, version: number, status: OrderStatus, viewerActions: Array<OrderAction>, seller: { location: { latitude: number, longitude: number } }, deliveryAddress: { location: { latitude: number, longitude: number } | null } | null } }
    | { __typename: 'StreamPosition', cursor: string }
    | { __typename: 'StreamReset', cursor: string }
   };

export type OneDeliveryQueryVariables = Exact<{
  orderId: string | number;
}>;


export type OneDeliveryQuery = { order: { id: string, number: string, version: number, status: OrderStatus, viewerActions: Array<OrderAction>, seller: { location: { latitude: number, longitude: number } }, deliveryAddress: { location: { latitude: number, longitude: number } | null } | null } | null };

export type TakeStepMutationVariables = Exact<{
  input: UpdateOrderStatusInput;
}>;


export type TakeStepMutation = { updateOrderStatus: { order: { id: string, number: string, version: number, status: OrderStatus, viewerActions: Array<OrderAction>, seller: { location: { latitude: number, longitude: number } }, deliveryAddress: { location: { latitude: number, longitude: number } | null } | null } | null, userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type ReportLocationMutationVariables = Exact<{
  input: ReportLocationInput;
}>;


export type ReportLocationMutation = { reportLocation: { userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type DeliveryFragment = { id: string, number: string, version: number, status: OrderStatus, viewerActions: Array<OrderAction>, seller: { location: { latitude: number, longitude: number } }, deliveryAddress: { location: { latitude: number, longitude: number } | null } | null };

export type PointFragment = { latitude: number, longitude: number };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const SignedInFragmentDoc = new TypedDocumentString(`
    fragment SignedIn on AuthPayload {
  tokens {
    accessToken
    refreshToken
  }
  userErrors {
    code
    message
  }
}
    `, {"fragmentName":"SignedIn"}) as unknown as TypedDocumentString<SignedInFragment, unknown>;
export const PointFragmentDoc = new TypedDocumentString(`
    fragment Point on GeoPoint {
  latitude
  longitude
}
    `, {"fragmentName":"Point"}) as unknown as TypedDocumentString<PointFragment, unknown>;
export const OfferFragmentDoc = new TypedDocumentString(`
    fragment Offer on AvailableOrder {
  orderId
  number
  pickup {
    ...Point
  }
  distanceKm
  payout {
    amount
  }
}
    fragment Point on GeoPoint {
  latitude
  longitude
}`, {"fragmentName":"Offer"}) as unknown as TypedDocumentString<OfferFragment, unknown>;
export const DeliveryFragmentDoc = new TypedDocumentString(`
    fragment Delivery on Order {
  id
  number
  version
  status
  viewerActions
  seller {
    location {
      ...Point
    }
  }
  deliveryAddress {
    location {
      ...Point
    }
  }
}
    fragment Point on GeoPoint {
  latitude
  longitude
}`, {"fragmentName":"Delivery"}) as unknown as TypedDocumentString<DeliveryFragment, unknown>;
export const SignInDocument = new TypedDocumentString(`
    mutation SignIn($input: LoginInput!) {
  session: login(input: $input) {
    ...SignedIn
  }
}
    fragment SignedIn on AuthPayload {
  tokens {
    accessToken
    refreshToken
  }
  userErrors {
    code
    message
  }
}`) as unknown as TypedDocumentString<SignInMutation, SignInMutationVariables>;
export const RenewDocument = new TypedDocumentString(`
    mutation Renew($input: RefreshTokensInput!) {
  session: refreshTokens(input: $input) {
    ...SignedIn
  }
}
    fragment SignedIn on AuthPayload {
  tokens {
    accessToken
    refreshToken
  }
  userErrors {
    code
    message
  }
}`) as unknown as TypedDocumentString<RenewMutation, RenewMutationVariables>;
export const TakeUpDocument = new TypedDocumentString(`
    query TakeUp {
  viewer {
    user {
      partner {
        capacity
        location {
          point {
            ...Point
          }
        }
      }
    }
  }
  partner {
    deliveries(filter: {status: [ASSIGNED, PICKED_UP, IN_TRANSIT]}, first: 100) {
      nodes {
        ...Delivery
      }
    }
  }
}
    fragment Delivery on Order {
  id
  number
  version
  status
  viewerActions
  seller {
    location {
      ...Point
    }
  }
  deliveryAddress {
    location {
      ...Point
    }
  }
}
fragment Point on GeoPoint {
  latitude
  longitude
}`) as unknown as TypedDocumentString<TakeUpQuery, TakeUpQueryVariables>;
export const SetAvailabilityDocument = new TypedDocumentString(`
    mutation SetAvailability($input: SetAvailabilityInput!) {
  setAvailability(input: $input) {
    userErrors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<SetAvailabilityMutation, SetAvailabilityMutationVariables>;
export const OffersDocument = new TypedDocumentString(`
    subscription Offers($near: GeoPointInput!, $radiusKm: Float!, $after: EventCursor) {
  offers: availableOrders(near: $near, radiusKm: $radiusKm, after: $after) {
    __typename
    ... on AvailableOrdersSnapshot {
      cursor
      orders {
        ...Offer
      }
      more
    }
    ... on OrderAvailable {
      cursor
      order {
        ...Offer
      }
    }
    ... on OrderUnavailable {
      cursor
      orderId
    }
    ... on StreamReset {
      cursor
    }
  }
}
    fragment Offer on AvailableOrder {
  orderId
  number
  pickup {
    ...Point
  }
  distanceKm
  payout {
    amount
  }
}
fragment Point on GeoPoint {
  latitude
  longitude
}`) as unknown as TypedDocumentString<OffersSubscription, OffersSubscriptionVariables>;
export const ClaimOrderDocument = new TypedDocumentString(`
    mutation ClaimOrder($input: ClaimOrderInput!) {
  claimOrder(input: $input) {
    order {
      ...Delivery
    }
    userErrors {
      code
      message
      ... on ClaimLost {
        reason
      }
    }
  }
}
    fragment Delivery on Order {
  id
  number
  version
  status
  viewerActions
  seller {
    location {
      ...Point
    }
  }
  deliveryAddress {
    location {
      ...Point
    }
  }
}
fragment Point on GeoPoint {
  latitude
  longitude
}`) as unknown as TypedDocumentString<ClaimOrderMutation, ClaimOrderMutationVariables>;
export const DeliveryUpdatesDocument = new TypedDocumentString(`
    subscription DeliveryUpdates($orderId: ID!, $after: EventCursor) {
  update: orderUpdates(orderId: $orderId, after: $after) {
    __typename
    ... on OrderSnapshot {
      cursor
      order {
        ...Delivery
      }
    }
    ... on OrderChanged {
      cursor
      order {
        ...Delivery
      }
    }
    ... on StreamPosition {
      cursor
    }
    ... on StreamReset {
      cursor
    }
  }
}
    fragment Delivery on Order {
  id
  number
  version
  status
  viewerActions
  seller {
    location {
      ...Point
    }
  }
  deliveryAddress {
    location {
      ...Point
    }
  }
}
fragment Point on GeoPoint {
  latitude
  longitude
}`) as unknown as TypedDocumentString<DeliveryUpdatesSubscription, DeliveryUpdatesSubscriptionVariables>;
export const OneDeliveryDocument = new TypedDocumentString(`
    query OneDelivery($orderId: ID!) {
  order(id: $orderId) {
    ...Delivery
  }
}
    fragment Delivery on Order {
  id
  number
  version
  status
  viewerActions
  seller {
    location {
      ...Point
    }
  }
  deliveryAddress {
    location {
      ...Point
    }
  }
}
fragment Point on GeoPoint {
  latitude
  longitude
}`) as unknown as TypedDocumentString<OneDeliveryQuery, OneDeliveryQueryVariables>;
export const TakeStepDocument = new TypedDocumentString(`
    mutation TakeStep($input: UpdateOrderStatusInput!) {
  updateOrderStatus(input: $input) {
    order {
      ...Delivery
    }
    userErrors {
      code
      message
    }
  }
}
    fragment Delivery on Order {
  id
  number
  version
  status
  viewerActions
  seller {
    location {
      ...Point
    }
  }
  deliveryAddress {
    location {
      ...Point
    }
  }
}
fragment Point on GeoPoint {
  latitude
  longitude
}`) as unknown as TypedDocumentString<TakeStepMutation, TakeStepMutationVariables>;
export const ReportLocationDocument = new TypedDocumentString(`
    mutation ReportLocation($input: ReportLocationInput!) {
  reportLocation(input: $input) {
    userErrors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<ReportLocationMutation, ReportLocationMutationVariables>;