/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** An address. */
export type AddressInput = {
  /** City; 1 to 100 characters. */
  city: string;
  /** ISO 3166-1 alpha-2 code of the country, e.g. `IN`. */
  country: string;
  /** For the partner at the door; at most 500 characters. */
  instructions?: string | null | undefined;
  /** Whether it is chosen unless another is named; false when absent. Only of addresses that are saved. */
  isDefault?: boolean | null | undefined;
  /** What the user calls it, e.g. `Home`; 1 to 60 characters. */
  label: string;
  /** Street and number; 1 to 200 characters. */
  line1: string;
  /** Floor, flat; at most 200 characters. */
  line2?: string | null | undefined;
  /** Where it is. */
  location?: GeoPointInput | null | undefined;
  /** Postal code; 1 to 20 characters. */
  postalCode: string;
  /** State or province; at most 100 characters. */
  region?: string | null | undefined;
};

/** An order to call off. */
export type CancelOrderInput = {
  /** 1 to 255 characters; the same key cancels once. */
  idempotencyKey: string;
  /** Which order. */
  orderId: string | number;
  /** For the timeline; at most 500 characters. */
  reason?: string | null | undefined;
};

/** A product to put on sale. */
export type CreateProductInput = {
  /** Where to list it. */
  categoryId: string | number;
  /** What it cost before a reduction; above the price. */
  compareAtPrice?: string | null | undefined;
  /** As shown; up to 5,000 characters, in several lines if you like. */
  description: string;
  /** 1 to 255 characters of your choice; sent again with the same input, nothing is done twice. */
  idempotencyKey: string;
  /** Addresses of up to 10 pictures, the main one first: `https://…`, `http://…`, or `/…` for the shop's own site. */
  images?: Array<string> | null | undefined;
  /** Pieces in the store now. */
  initialStock: number;
  /** When no more than this can be bought, the stock is low; 5 when absent. */
  lowStockThreshold?: number | null | undefined;
  /** As shown; 1 to 200 characters. */
  name: string;
  /** What a piece costs without tax, in the store's currency; above zero. */
  price: string;
  /** Your number for it, 1 to 64 characters; no other product may have it. */
  sku: string;
  /** Up to 20 labels of 1 to 40 characters; kept in lower case, each once. */
  tags?: Array<string> | null | undefined;
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

/** What happened to an order; one for each of its versions. */
export type OrderEventType =
  /** A partner has it. */
  | 'ASSIGNED'
  /** It was called off. */
  | 'CANCELLED'
  /** The partner's time ran out. */
  | 'CLAIM_EXPIRED'
  /** A partner locked it for a short time. */
  | 'CLAIM_HELD'
  /** The partner gave it back, or an admin took it away. */
  | 'CLAIM_RELEASED'
  /** It is certain to be paid. */
  | 'CONFIRMED'
  /** The goods were handed over. */
  | 'DELIVERED'
  /** It could not be delivered. */
  | 'FAILED'
  /** The goods are on the way. */
  | 'IN_TRANSIT'
  /** A payment failed. */
  | 'PAYMENT_FAILED'
  /** A payment succeeded. */
  | 'PAYMENT_SUCCEEDED'
  /** The goods left the store. */
  | 'PICKED_UP'
  /** It was placed. */
  | 'PLACED'
  /** The store began to pack. */
  | 'PREPARING'
  /** The customer rated it. */
  | 'RATED'
  /** It can be picked up. */
  | 'READY'
  /** Money went back. */
  | 'REFUNDED';

/** So many of a product. */
export type OrderItemInput = {
  /** The product. */
  productId: string | number;
  /** How many pieces, 1 to 1,000. */
  quantity: number;
};

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

/** What a partner says besides. */
export type PartnerSignupInput = {
  /** Their driving licence; at most 40 characters. Never shown. */
  licenseNumber?: string | null | undefined;
  /** What they ride. */
  vehicle: VehicleType;
  /** Its plate; at most 20 characters. */
  vehicleNumber?: string | null | undefined;
};

/** How an order is paid. */
export type PaymentMethod =
  /** A card, through a provider. */
  | 'CARD'
  /** Cash at the door. */
  | 'CASH_ON_DELIVERY'
  /** A wallet, through a provider. */
  | 'WALLET';

/** An order to place, of the items given here or, when there are none, of the cart. All items of one order are one seller's. */
export type PlaceOrderInput = {
  /** A new address, with coordinates; or `addressId`. */
  address?: AddressInput | null | undefined;
  /** A saved address of yours, with coordinates; or `address`. */
  addressId?: string | number | null | undefined;
  /** Refuse with `CART_CHANGED` when the total is not this. Needed to order a cart whose prices have changed. */
  expectedTotal?: string | null | undefined;
  /** 1 to 255 characters; the same key places the order once, however often it is sent. */
  idempotencyKey: string;
  /** What to buy: 1 to 100 products, each once. Absent: what is in the cart, which is empty then. */
  items?: Array<OrderItemInput> | null | undefined;
  /** For the store and the partner; at most 500 characters. */
  note?: string | null | undefined;
  /** How it is paid. */
  paymentMethod: PaymentMethod;
  /** A promo code. Absent: the one that is applied to the cart, when the cart is ordered. */
  promoCode?: string | null | undefined;
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

/** What a seller says besides. */
export type SellerSignupInput = {
  /** Where partners pick up. */
  location: GeoPointInput;
  /** The store as customers see it; 1 to 120 characters. */
  storeName: string;
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

export type RegisterMutationVariables = Exact<{
  input: RegisterInput;
}>;


export type RegisterMutation = { register: { tokens: { accessToken: string } | null, userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type CategoriesQueryVariables = Exact<{ [key: string]: never; }>;


export type CategoriesQuery = { categories: Array<{ id: string }> };

export type CreateProductMutationVariables = Exact<{
  input: CreateProductInput;
}>;


export type CreateProductMutation = { createProduct: { product: { id: string } | null, userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type PlaceOrderMutationVariables = Exact<{
  input: PlaceOrderInput;
}>;


export type PlaceOrderMutation = { placeOrder: { order: { id: string } | null, userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type DeliveryCodeQueryVariables = Exact<{
  orderId: string | number;
}>;


export type DeliveryCodeQuery = { order: { deliveryCode: string | null } | null };

export type TrackingSubscriptionVariables = Exact<{
  orderId: string | number;
}>;


export type TrackingSubscription = { deliveryTracking: { order: { status: OrderStatus }, location: { isStale: boolean, point: { latitude: number, longitude: number } } | null } };

export type HindsightQueryVariables = Exact<{
  orderId: string | number;
}>;


export type HindsightQuery = { order: { status: OrderStatus, timeline: { nodes: Array<{ type: OrderEventType, orderVersion: number }> } } | null };

export type SettleOrderMutationVariables = Exact<{
  input: UpdateOrderStatusInput;
}>;


export type SettleOrderMutation = { updateOrderStatus: { userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type CancelOrderMutationVariables = Exact<{
  input: CancelOrderInput;
}>;


export type CancelOrderMutation = { cancelOrder: { order: { status: OrderStatus } | null, userErrors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

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

export const RegisterDocument = new TypedDocumentString(`
    mutation Register($input: RegisterInput!) {
  register(input: $input) {
    tokens {
      accessToken
    }
    userErrors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<RegisterMutation, RegisterMutationVariables>;
export const CategoriesDocument = new TypedDocumentString(`
    query Categories {
  categories {
    id
  }
}
    `) as unknown as TypedDocumentString<CategoriesQuery, CategoriesQueryVariables>;
export const CreateProductDocument = new TypedDocumentString(`
    mutation CreateProduct($input: CreateProductInput!) {
  createProduct(input: $input) {
    product {
      id
    }
    userErrors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<CreateProductMutation, CreateProductMutationVariables>;
export const PlaceOrderDocument = new TypedDocumentString(`
    mutation PlaceOrder($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    order {
      id
    }
    userErrors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<PlaceOrderMutation, PlaceOrderMutationVariables>;
export const DeliveryCodeDocument = new TypedDocumentString(`
    query DeliveryCode($orderId: ID!) {
  order(id: $orderId) {
    deliveryCode
  }
}
    `) as unknown as TypedDocumentString<DeliveryCodeQuery, DeliveryCodeQueryVariables>;
export const TrackingDocument = new TypedDocumentString(`
    subscription Tracking($orderId: ID!) {
  deliveryTracking(orderId: $orderId) {
    order {
      status
    }
    location {
      point {
        latitude
        longitude
      }
      isStale
    }
  }
}
    `) as unknown as TypedDocumentString<TrackingSubscription, TrackingSubscriptionVariables>;
export const HindsightDocument = new TypedDocumentString(`
    query Hindsight($orderId: ID!) {
  order(id: $orderId) {
    status
    timeline(first: 100) {
      nodes {
        type
        orderVersion
      }
    }
  }
}
    `) as unknown as TypedDocumentString<HindsightQuery, HindsightQueryVariables>;
export const SettleOrderDocument = new TypedDocumentString(`
    mutation SettleOrder($input: UpdateOrderStatusInput!) {
  updateOrderStatus(input: $input) {
    userErrors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<SettleOrderMutation, SettleOrderMutationVariables>;
export const CancelOrderDocument = new TypedDocumentString(`
    mutation CancelOrder($input: CancelOrderInput!) {
  cancelOrder(input: $input) {
    order {
      status
    }
    userErrors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<CancelOrderMutation, CancelOrderMutationVariables>;