//! Payments as clients see them.

mod loaders;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use domain::id::Kind;
use entity::{payment, refund};

use super::service;
use crate::graphql::enums::PaymentStatus;
use crate::graphql::loaders::load;
use crate::graphql::scalars::Money;
use crate::graphql::{Result, ids};

pub use loaders::{PaymentLoader, PaymentsLoader, RefundLoader, RefundsLoader};

/// A payment of an order.
#[derive(Debug, Clone)]
pub struct Payment {
    row: payment::Model,
    is_customers: bool,
}

impl Payment {
    /// `row` as one sees it who may; `is_customers`: who is to pay it.
    #[must_use]
    pub const fn new(row: payment::Model, is_customers: bool) -> Self {
        Self { row, is_customers }
    }
}

/// A payment of an order, through a provider or in cash.
#[Object]
impl Payment {
    /// Opaque, `pay_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Payment, self.row.id)
    }

    /// Through whom: `sandbox`, `stripe`, or `cash` for what was paid at the door.
    async fn provider(&self) -> &str {
        &self.row.provider
    }

    /// Where it is: PENDING, then PAID or FAILED; `PARTIALLY_REFUNDED` or REFUNDED once money went back.
    async fn status(&self) -> PaymentStatus {
        self.row.status.0.into()
    }

    /// What is, or was, to pay.
    async fn amount(&self) -> Money {
        Money::new(self.row.amount_minor, *self.row.currency)
    }

    /// What went back or is on its way back.
    async fn refunded(&self) -> Money {
        Money::new(self.row.refunded_minor, *self.row.currency)
    }

    /// What the provider's client library needs to go on. Shown to the customer alone, while the payment is PENDING.
    async fn client_secret(&self) -> Option<&str> {
        self.row.client_secret.as_deref().filter(|_| self.is_customers && service::is_open(&self.row))
    }

    /// Why it failed, in the provider's words; null unless it did.
    async fn failure_reason(&self) -> Option<&str> {
        self.row.failure_reason.as_deref()
    }

    /// What goes back of it, oldest first.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn refunds(&self, ctx: &Context<'_>) -> Result<Vec<Refund>> {
        let refunds = load::<RefundsLoader, _>(ctx, self.row.id).await?.unwrap_or_default();
        Ok(refunds.into_iter().map(Refund).collect())
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// Money that goes back.
#[derive(Debug, Clone)]
pub struct Refund(pub refund::Model);

/// Money that goes back to the customer.
#[Object]
impl Refund {
    /// Opaque, `rfd_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Refund, self.0.id)
    }

    /// How much.
    async fn amount(&self) -> Money {
        Money::new(self.0.amount_minor, *self.0.currency)
    }

    /// Why, in the words of whoever gave it.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Where it is: PENDING until the provider has done it, then REFUNDED; FAILED when it would not, and the amount may be
    /// refunded again.
    async fn status(&self) -> PaymentStatus {
        self.0.status.0.into()
    }

    /// Why it failed, in the provider's words; null unless it did.
    async fn failure_reason(&self) -> Option<&str> {
        self.0.failure_reason.as_deref()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
