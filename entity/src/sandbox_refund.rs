//! A refund as the sandbox knows it.

use sea_orm::entity::prelude::*;

/// A refund as the sandbox knows it.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_refunds")]
pub struct Model {
    /// What the merchant calls it, so that it is done once.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Of which payment.
    pub intent_id: String,
    /// How much.
    pub amount_minor: i64,
    /// When.
    pub created_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
