//! Money that goes back.

use domain::money::Currency;
use domain::order::PaymentStatus;
use sea_orm::entity::prelude::*;

use crate::Text;

/// Some of a payment, or all of it, that goes back.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub struct Model {
    /// Public as `rfd_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Of which payment.
    pub payment_id: Uuid,
    /// How much.
    pub amount_minor: i64,
    /// Of the amount.
    pub currency: Text<Currency>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// `PENDING`, then `REFUNDED` or `FAILED`.
    pub status: Text<PaymentStatus>,
    /// Who asked for it; none: the server itself.
    pub actor_id: Option<Uuid>,
    /// What the provider calls it.
    pub provider_ref: Option<String>,
    /// Why the provider refused.
    pub failure_reason: Option<String>,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
