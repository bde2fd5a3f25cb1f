//! Paying orders, and giving money back.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::access::{Actor, Role};
use domain::error::Rejection;
use domain::id::Kind;
use domain::input;

use super::order::Order;
use crate::graphql::scalars::Decimal;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};
use crate::orders::service::paying::{self, OrderPayment, RefundPayment, StartPayment};
use crate::payments::graphql::Payment;

/// A payment to start.
#[derive(Debug, Clone, InputObject)]
pub struct StartPaymentInput {
    /// 1 to 255 characters; the same key starts one payment.
    pub idempotency_key: String,
    /// Which order of yours: PENDING, and not paid in cash.
    pub order_id: ID,
    /// Through whom: `sandbox` or `stripe`, as far as the shop has them. The shop's own choice when absent.
    pub provider: Option<String>,
}

impl StartPaymentInput {
    fn check(self) -> Result<Result<(String, StartPayment), Rejection>> {
        let order = ids::parse(Kind::Order, &self.order_id)?;
        let provider = self.provider.map(|provider| input::line("provider", &provider, 1, 40)).transpose();
        Ok(provider.map(|provider| (self.idempotency_key, StartPayment { order, provider })))
    }
}

/// Money to give back.
#[derive(Debug, Clone, InputObject)]
pub struct RefundPaymentInput {
    /// 1 to 255 characters; the same key gives it back once.
    pub idempotency_key: String,
    /// Of which payment.
    pub payment_id: ID,
    /// How much, more than nothing and no more than is left; all that is left when absent.
    pub amount: Option<Decimal>,
    /// For the customer; at most 500 characters.
    pub reason: Option<String>,
}

impl RefundPaymentInput {
    fn check(self) -> Result<(String, RefundPayment)> {
        let payment = ids::parse(Kind::Payment, &self.payment_id)?;
        let amount = self.amount.map(|Decimal(amount)| amount);
        Ok((self.idempotency_key, RefundPayment { payment, amount, reason: self.reason }))
    }
}

/// What came of a mutation on a payment.
#[derive(Debug, SimpleObject)]
pub struct PaymentPayload {
    /// The payment; null when there are userErrors.
    pub payment: Option<Payment>,
    /// Its order; null when there are userErrors.
    pub order: Option<Order>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

impl PaymentPayload {
    fn of(actor: Actor, result: crate::platform::Result<OrderPayment>) -> Result<Self> {
        let Outcome { value, user_errors } = Outcome::of(result)?;
        let Some(OrderPayment { order, payment }) = value else {
            return Ok(Self { payment: None, order: None, user_errors });
        };
        let order = Order::seen_by(order, actor);
        let payment = order.as_ref().and_then(|order| order.payment(payment));
        Ok(Self { payment, order, user_errors })
    }
}

/// What payments add to Mutation.
#[derive(Debug, Default)]
pub struct PaymentsMutation;

#[Object]
impl PaymentsMutation {
    /// Customers: begins to pay an order, or goes on with the payment that is under way. Hand its `clientSecret` to the
    /// provider's client library: no card is ever sent here. The order is confirmed when the provider says that it is paid.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn start_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and through whom.")] input: StartPaymentInput,
    ) -> Result<PaymentPayload> {
        let actor = actor(ctx)?;
        let result = match input.check()? {
            Ok((key, start)) => paying::start_payment(app(ctx)?, actor, &key, start).await,
            Err(rejection) => Err(rejection.into()),
        };
        PaymentPayload::of(actor, result)
    }

    /// Sellers, of their own orders, and admins: gives back some of a payment, or all that is left. Never more goes back than
    /// was paid. The provider does it in a moment; cash is taken to be handed back at once.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller, Role::Admin])")]
    async fn refund_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which payment, and how much.")] input: RefundPaymentInput,
    ) -> Result<PaymentPayload> {
        let (actor, (key, refund)) = (actor(ctx)?, input.check()?);
        PaymentPayload::of(actor, paying::refund_payment(app(ctx)?, actor, &key, refund).await)
    }
}
