//! A payment of an order.

use std::fmt;

use domain::money::Currency;
use domain::order::PaymentStatus;
use sea_orm::entity::prelude::*;

use crate::Text;

/// A payment of an order, through a provider or in cash.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    /// Public as `pay_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// Through whom: `sandbox`, `stripe`, or `cash`.
    pub provider: String,
    /// Where it is.
    pub status: Text<PaymentStatus>,
    /// Of its amounts.
    pub currency: Text<Currency>,
    /// To pay.
    pub amount_minor: i64,
    /// What went back or is on its way back.
    pub refunded_minor: i64,
    /// What the provider calls it; none until it was told of it, and of cash.
    pub provider_ref: Option<String>,
    /// What the customer's client goes on with.
    pub client_secret: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// How often the provider broke when it was told of it: it would repeat that failure, so that the next request is another.
    pub broken: i32,
    /// When it was called off at its provider.
    pub called_off_at: Option<DateTimeUtc>,
    /// When it was started.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
    /// When it succeeded.
    pub paid_at: Option<DateTimeUtc>,
}

/// Without the client's secret: whoever has it can pay, or see what is paid.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("payment")
            .field("id", &self.id)
            .field("order_id", &self.order_id)
            .field("provider", &self.provider)
            .field("status", &self.status)
            .field("currency", &self.currency)
            .field("amount_minor", &self.amount_minor)
            .field("refunded_minor", &self.refunded_minor)
            .field("provider_ref", &self.provider_ref)
            .finish_non_exhaustive()
    }
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
