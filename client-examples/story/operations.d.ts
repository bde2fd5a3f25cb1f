// Written by `npm run check` from story.graphql and the schema; a change made here is lost.

export interface Operations {
  SignIn: {
    variables: {
      input: LoginInput;
    };
    data: {
      login: SignedIn;
    };
  };
  Register: {
    variables: {
      input: RegisterInput;
    };
    data: {
      register: SignedIn;
    };
  };
  SetAvailability: {
    variables: {
      input: SetAvailabilityInput;
    };
    data: {
      setAvailability: {
        user: {
          id: string;
          partner: {
            available: boolean;
            capacity: number;
          } | null;
        } | null;
        userErrors: Array<Problem>;
      };
    };
  };
  Store: {
    variables: {};
    data: {
      seller: {
        seller: {
          id: string;
          storeName: string;
          location: {
            latitude: number;
            longitude: number;
          };
        };
      };
    };
  };
  Browse: {
    variables: {
      filter: ProductFilter;
      sort?: ProductSort | null;
      search?: string | null;
      first: number;
    };
    data: {
      products: {
        nodes: Array<{
          id: string;
          name: string;
          price: {
            amount: string;
            currency: CurrencyCode;
          };
          available: number;
          inStock: boolean;
          seller: {
            id: string;
          };
        }>;
        totalCount: {
          value: number;
          precision: CountPrecision;
        };
      };
    };
  };
  PlaceOrder: {
    variables: {
      input: PlaceOrderInput;
    };
    data: {
      placeOrder: {
        order: {
          id: string;
          number: string;
          version: number;
          status: OrderStatus;
          customer: {
            id: string;
          };
          total: {
            amount: string;
            currency: CurrencyCode;
          };
        } | null;
        userErrors: Array<Problem>;
      };
    };
  };
  ClaimOrder: {
    variables: {
      input: ClaimOrderInput;
    };
    data: {
      claimOrder: {
        claim: ClaimLine | null;
        userErrors: Array<Problem>;
      };
    };
  };
  AcceptClaim: {
    variables: {
      input: AcceptClaimInput;
    };
    data: {
      acceptClaim: {
        claim: ClaimLine | null;
        order: OrderLine | null;
        userErrors: Array<Problem>;
      };
    };
  };
  UpdateOrderStatus: {
    variables: {
      input: UpdateOrderStatusInput;
    };
    data: {
      updateOrderStatus: {
        order: OrderLine | null;
        userErrors: Array<Problem>;
      };
    };
  };
  DeliveryCode: {
    variables: {
      orderId: string;
    };
    data: {
      order: {
        deliveryCode: string | null;
      } | null;
    };
  };
  Timeline: {
    variables: {
      orderId: string;
    };
    data: {
      order: {
        id: string;
        number: string;
        version: number;
        status: OrderStatus;
        customer: {
          id: string;
        };
        timeline: {
          nodes: Array<{
            type: OrderEventType;
            orderVersion: number;
            status: OrderStatus;
            actorRole: Role | null;
            at: string;
          }>;
        };
      } | null;
    };
  };
  AvailableOrders: {
    variables: {
      near?: GeoPointInput | null;
      radiusKm?: number | null;
      after?: string | null;
    };
    data: {
      availableOrders: (
        | {
            __typename: 'AvailableOrdersSnapshot';
            cursor: string;
            orders: Array<{
              orderId: string;
            }>;
            more: boolean;
          }
        | {
            __typename: 'OrderAvailable';
            cursor: string;
            eventId: string;
            order: {
              orderId: string;
              number: string;
              storeName: string;
              distanceKm: number;
              itemCount: number;
              payout: {
                amount: string;
                currency: CurrencyCode;
              };
            };
          }
        | {
            __typename: 'OrderUnavailable';
            cursor: string;
            eventId: string;
            orderId: string;
            reason: UnavailableReason;
          }
        | {
            __typename: 'StreamReset';
            cursor: string;
            resetReason: StreamResetReason;
          }
      );
    };
  };
  OrderUpdates: {
    variables: {
      orderId: string;
      after?: string | null;
    };
    data: {
      orderUpdates: (
        | {
            __typename: 'OrderSnapshot';
            cursor: string;
            order: OrderLine;
          }
        | {
            __typename: 'OrderChanged';
            cursor: string;
            event: {
              type: OrderEventType;
              orderVersion: number;
              status: OrderStatus;
              actorRole: Role | null;
            };
            order: OrderLine;
          }
        | {
            __typename: 'StreamPosition';
            cursor: string;
          }
        | {
            __typename: 'StreamReset';
            cursor: string;
            resetReason: StreamResetReason;
          }
      );
    };
  };
  SellerOrderUpdates: {
    variables: {
      after?: string | null;
    };
    data: {
      sellerOrderUpdates: (
        | {
            __typename: 'OrderSnapshot';
            cursor: string;
            order: OrderLine;
          }
        | {
            __typename: 'OrderChanged';
            cursor: string;
            event: {
              type: OrderEventType;
              orderVersion: number;
              status: OrderStatus;
              actorRole: Role | null;
            };
            order: OrderLine;
          }
        | {
            __typename: 'StreamPosition';
            cursor: string;
          }
        | {
            __typename: 'StreamReset';
            cursor: string;
            resetReason: StreamResetReason;
          }
      );
    };
  };
  AdminUpdates: {
    variables: {
      after?: string | null;
    };
    data: {
      adminUpdates: (
        | {
            __typename: 'AdminSnapshot';
            cursor: string;
            stats: {
              ordersToday: number;
              unassignedOrders: number;
              activePartners: number;
            };
          }
        | {
            __typename: 'OrderChanged';
            cursor: string;
            event: {
              type: OrderEventType;
              orderVersion: number;
              status: OrderStatus;
              actorRole: Role | null;
            };
            order: OrderLine;
          }
        | {
            __typename: 'PartnerChanged';
            cursor: string;
            partner: {
              id: string;
              partner: {
                available: boolean;
              } | null;
            };
          }
        | {
            __typename: 'StreamReset';
            cursor: string;
            resetReason: StreamResetReason;
          }
      );
    };
  };
}

export interface AcceptClaimInput {
  idempotencyKey: string;
  claimId: string;
}

export interface AddressInput {
  label: string;
  line1: string;
  line2?: string | null;
  city: string;
  region?: string | null;
  postalCode: string;
  country: string;
  location?: GeoPointInput | null;
  instructions?: string | null;
  isDefault?: boolean | null;
}

export type ClaimLine = {
  id: string;
  status: ClaimStatus;
  expiresAt: string | null;
  serverTime: string;
};

export type ClaimLostReason = 'TAKEN' | 'EXPIRED' | 'WITHDRAWN' | 'AT_CAPACITY' | 'NOT_AVAILABLE';

export interface ClaimOrderInput {
  idempotencyKey: string;
  orderId: string;
  accept?: boolean | null;
}

export type ClaimStatus = 'HELD' | 'ACCEPTED' | 'COMPLETED' | 'RELEASED' | 'EXPIRED' | 'REVOKED';

export type CountPrecision = 'EXACT' | 'AT_LEAST';

export type CurrencyCode = 'INR' | 'USD' | 'EUR' | 'GBP' | 'JPY' | 'AED' | 'SGD' | 'BRL';

export type ErrorCode = 'INVALID_INPUT' | 'NOT_FOUND' | 'EMAIL_TAKEN' | 'INVALID_CREDENTIALS' | 'INVALID_TOKEN' | 'WEAK_PASSWORD' | 'INSUFFICIENT_STOCK' | 'CART_EMPTY' | 'CART_CHANGED' | 'PRODUCT_UNAVAILABLE' | 'PROMO_INVALID' | 'ILLEGAL_TRANSITION' | 'VERSION_CONFLICT' | 'CLAIM_LOST' | 'PARTNER_OFFLINE' | 'PROOF_REQUIRED' | 'PROOF_WRONG' | 'PAYMENT_DECLINED' | 'PAYMENT_NOT_ALLOWED' | 'REFUND_TOO_LARGE' | 'IDEMPOTENCY_MISMATCH' | 'IDEMPOTENCY_IN_PROGRESS' | 'ALREADY_EXISTS' | 'CHAT_CLOSED';

export interface GeoPointInput {
  latitude: number;
  longitude: number;
}

export interface LoginInput {
  email: string;
  password: string;
}

export type OrderEventType = 'PLACED' | 'PAYMENT_SUCCEEDED' | 'PAYMENT_FAILED' | 'CONFIRMED' | 'PREPARING' | 'READY' | 'CLAIM_HELD' | 'CLAIM_RELEASED' | 'CLAIM_EXPIRED' | 'ASSIGNED' | 'PICKED_UP' | 'IN_TRANSIT' | 'DELIVERED' | 'CANCELLED' | 'FAILED' | 'REFUNDED' | 'RATED';

export interface OrderItemInput {
  productId: string;
  quantity: number;
}

export type OrderLine = {
  id: string;
  number: string;
  version: number;
  status: OrderStatus;
  customer: {
    id: string;
  };
};

export type OrderStatus = 'PENDING' | 'CONFIRMED' | 'PREPARING' | 'READY' | 'ASSIGNED' | 'PICKED_UP' | 'IN_TRANSIT' | 'DELIVERED' | 'CANCELLED' | 'FAILED';

export interface PartnerSignupInput {
  vehicle: VehicleType;
  vehicleNumber?: string | null;
  licenseNumber?: string | null;
}

export type PaymentMethod = 'CASH_ON_DELIVERY' | 'CARD' | 'WALLET';

export interface PlaceOrderInput {
  idempotencyKey: string;
  items?: Array<OrderItemInput> | null;
  addressId?: string | null;
  address?: AddressInput | null;
  paymentMethod: PaymentMethod;
  promoCode?: string | null;
  note?: string | null;
  expectedTotal?: string | null;
}

export type Problem = (
  | {
      __typename: 'ClaimLost';
      code: ErrorCode;
      message: string;
      field: Array<string> | null;
      reason: ClaimLostReason;
      retryAfter: string | null;
    }
  | {
      __typename: 'GenericError';
      code: ErrorCode;
      message: string;
      field: Array<string> | null;
    }
  | {
      __typename: 'IllegalTransition';
      code: ErrorCode;
      message: string;
      field: Array<string> | null;
      from: OrderStatus;
      to: OrderStatus;
      allowed: Array<OrderStatus>;
    }
  | {
      __typename: 'InsufficientStock';
      code: ErrorCode;
      message: string;
      field: Array<string> | null;
      requested: number;
      available: number;
      product: {
        name: string;
      };
    }
);

export interface ProductFilter {
  categoryId?: string | null;
  sellerId?: string | null;
  inStock?: boolean | null;
  minPrice?: string | null;
  maxPrice?: string | null;
  tags?: Array<string> | null;
  ids?: Array<string> | null;
  activeOnly?: boolean | null;
}

export type ProductSort = 'RELEVANCE' | 'NEWEST' | 'PRICE_ASC' | 'PRICE_DESC' | 'NAME' | 'BEST_SELLING';

export interface RegisterInput {
  email: string;
  password: string;
  name: string;
  phone?: string | null;
  partner?: PartnerSignupInput | null;
  seller?: SellerSignupInput | null;
}

export type Role = 'CUSTOMER' | 'PARTNER' | 'SELLER' | 'ADMIN';

export interface SellerSignupInput {
  storeName: string;
  location: GeoPointInput;
}

export interface SetAvailabilityInput {
  available: boolean;
}

export type SignedIn = {
  tokens: {
    accessToken: string;
  } | null;
  user: {
    id: string;
    name: string;
    role: Role;
  } | null;
  userErrors: Array<Problem>;
};

export type StreamResetReason = 'RETENTION' | 'SLOW_CONSUMER' | 'SERVER';

export type UnavailableReason = 'CLAIMED' | 'CANCELLED' | 'ASSIGNED';

export interface UpdateOrderStatusInput {
  idempotencyKey: string;
  orderId: string;
  status: OrderStatus;
  note?: string | null;
  expectedVersion?: number | null;
  deliveryCode?: string | null;
}

export type VehicleType = 'BICYCLE' | 'SCOOTER' | 'BIKE' | 'CAR' | 'VAN' | 'ON_FOOT';
