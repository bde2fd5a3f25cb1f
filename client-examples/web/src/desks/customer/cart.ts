import { graphql } from '../../gql';

export const CartParts = graphql(`
  fragment CartParts on Cart {
    id
    version
    lines {
      id
      quantity
      unitPrice {
        amount
        currency
      }
      lineTotal {
        amount
        currency
      }
      product {
        id
        name
        available
        images
        seller {
          id
          storeName
        }
      }
    }
    subtotal {
      amount
      currency
    }
    discount {
      amount
      currency
    }
    deliveryFee {
      amount
      currency
    }
    tax {
      amount
      currency
    }
    total {
      amount
      currency
    }
    promoCode
    problems {
      kind
      message
      line {
        id
      }
    }
  }
`);

export const CART = graphql(`
  query Cart {
    viewer {
      cart {
        id
        version
        ...CartParts
      }
    }
  }
`);

/** Begins with the cart as it is, so it has no cursor to resume from and needs none. */
export const CART_UPDATES = graphql(`
  subscription CartUpdates {
    cartUpdates {
      id
      version
      ...CartParts
    }
  }
`);

export const SET_LINE = graphql(`
  mutation SetCartLine($input: SetCartLineInput!) {
    result: setCartLine(input: $input) {
      cart {
        id
        version
        ...CartParts
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

export const APPLY_PROMO = graphql(`
  mutation ApplyPromoCode($input: ApplyPromoCodeInput!) {
    result: applyPromoCode(input: $input) {
      cart {
        id
        version
        ...CartParts
      }
      userErrors {
        ...Problem
      }
    }
  }
`);
