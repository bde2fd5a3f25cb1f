//! A payment as the sandbox knows it.

use std::fmt;

use sea_orm::entity::prelude::*;

/// A payment as the sandbox knows it.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_intents")]
pub struct Model {
    /// What the sandbox calls it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What the merchant calls it; unique, so that it is made once.
    pub payment_id: Uuid,
    /// Opens its page.
    pub client_secret: String,
    /// `OPEN`, `DECLINED`, `PROCESSING`, `SUCCEEDED` or `CANCELLED`.
    pub status: String,
    /// ISO 4217.
    pub currency: String,
    /// To pay.
    pub amount_minor: i64,
    /// What went back.
    pub refunded_minor: i64,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

/// Without the client's secret.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("sandbox_intent").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
