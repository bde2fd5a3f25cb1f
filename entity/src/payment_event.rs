//! What a provider said of a payment, so that it counts once.

use sea_orm::entity::prelude::*;

/// What a provider said of a payment, so that it counts once.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_events")]
pub struct Model {
    /// Who said it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    /// The provider's own id of the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_event_id: String,
    /// Of which payment.
    pub payment_id: Uuid,
    /// What, in our words.
    pub kind: String,
    /// When it came in.
    pub at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
