//! Filling a cart.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::access::Role;
use domain::id::Kind;

use super::Cart;
use crate::cart::service::{self, CartView};
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};

/// How many of a product there shall be in the cart.
#[derive(Debug, InputObject)]
pub struct SetCartLineInput {
    /// The product.
    pub product_id: ID,
    /// How many pieces, up to 1,000; 0 takes it out.
    pub quantity: i32,
}

/// A promo code for the cart.
#[derive(Debug, InputObject)]
pub struct ApplyPromoCodeInput {
    /// The code, in any case; null takes off the one that is applied.
    pub code: Option<String>,
}

/// What came of a change to the cart.
#[derive(Debug, SimpleObject)]
pub struct CartPayload {
    /// The cart as it is now; null when nothing was done.
    pub cart: Option<Cart>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

impl CartPayload {
    fn of(result: crate::platform::Result<CartView>) -> Result<Self> {
        let Outcome { value, user_errors } = Outcome::of(result)?;
        Ok(Self { cart: value.map(Cart), user_errors })
    }
}

/// Filling a cart.
#[derive(Debug, Default)]
pub struct CartMutation;

#[Object]
impl CartMutation {
    /// Customers: sets how many of a product are in the cart, at its price of now, which is accepted with it. A cart holds
    /// products of one store: another's is refused with `INVALID_INPUT` at `productId`. More than can be had is refused with
    /// `INSUFFICIENT_STOCK`, and `available`; what is sold to others later becomes one of the cart's `problems`.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn set_cart_line(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product, and how many.")] input: SetCartLineInput,
    ) -> Result<CartPayload> {
        let product = ids::parse(Kind::Product, &input.product_id)?;
        CartPayload::of(service::set_line(app(ctx)?, actor(ctx)?, product, input.quantity).await)
    }

    /// Customers: empties the cart. Its promo code goes with the lines.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn clear_cart(&self, ctx: &Context<'_>) -> Result<CartPayload> {
        CartPayload::of(service::clear(app(ctx)?, actor(ctx)?).await)
    }

    /// Customers: applies a promo code to the cart, instead of the one that is applied. `PROMO_INVALID` when it would take nothing
    /// off now, and why. It is used up by the order, not by the cart.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn apply_promo_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] input: ApplyPromoCodeInput,
    ) -> Result<CartPayload> {
        CartPayload::of(service::apply_promo(app(ctx)?, actor(ctx)?, input.code.as_deref()).await)
    }
}
