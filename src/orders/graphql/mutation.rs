//! What clients do with orders.

use async_graphql::{Context, Object, SimpleObject};
use domain::access::{Actor, Role};
use entity::order;

use super::inputs::{CancelOrderInput, PlaceOrderInput, UpdateOrderStatusInput};
use super::order::Order;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app};
use crate::orders::service;

/// What came of a mutation on an order.
#[derive(Debug, SimpleObject)]
pub struct OrderPayload {
    /// The order; null when there are userErrors.
    pub order: Option<Order>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

impl OrderPayload {
    pub(super) fn of(actor: Actor, result: crate::platform::Result<order::Model>) -> Result<Self> {
        let Outcome { value, user_errors } = Outcome::of(result)?;
        Ok(Self { order: value.and_then(|row| Order::seen_by(row, actor)), user_errors })
    }
}

/// What orders add to Mutation.
#[derive(Debug, Default)]
pub struct OrdersMutation;

#[Object]
impl OrdersMutation {
    /// Customers: places an order of the items given, or of the cart. Prices, tax and fees are the server's; the stock is taken
    /// with the order or not at all. `CASH_ON_DELIVERY` is confirmed at once; with `CARD` and `WALLET` the order is PENDING and its
    /// goods are kept until it is paid, or its time for that is up. A refusal of what is in the cart names it by its path there,
    /// such as `["cart", "lines", "0", "quantity"]`. A cart whose prices have changed is refused with `CART_CHANGED` unless
    /// `expectedTotal` is its total now.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn place_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to order, where to, and how it is paid.")] input: PlaceOrderInput,
    ) -> Result<OrderPayload> {
        let actor = actor(ctx)?;
        let result = match input.check()? {
            Ok((key, place)) => service::place(app(ctx)?, actor, &key, place).await,
            Err(rejection) => Err(rejection.into()),
        };
        OrderPayload::of(actor, result)
    }

    /// Calls an order off, up to the moment a partner has accepted it; admins up to pick-up. The goods go back into stock.
    #[graphql(guard = "Signed::any()")]
    async fn cancel_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and why.")] input: CancelOrderInput,
    ) -> Result<OrderPayload> {
        let (actor, (key, step)) = (actor(ctx)?, input.check()?);
        OrderPayload::of(actor, service::step(app(ctx)?, actor, "cancelOrder", &key, step).await)
    }

    /// Takes an order a step further. Sellers: PREPARING, READY. The partner with the accepted claim: `PICKED_UP`, `IN_TRANSIT`,
    /// DELIVERED (with the customer's code), FAILED. Admins: any legal step. See `Order.viewerActions`.
    #[graphql(guard = "Signed::any()")]
    async fn update_order_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and where to.")] input: UpdateOrderStatusInput,
    ) -> Result<OrderPayload> {
        let (actor, (key, step)) = (actor(ctx)?, input.check()?);
        OrderPayload::of(actor, service::step(app(ctx)?, actor, "updateOrderStatus", &key, step).await)
    }
}
