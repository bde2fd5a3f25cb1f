//! A request that was done, so that it is not done twice.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request that was done, so that it is not done twice.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// Who asked.
    #[sea_orm(primary_key, auto_increment = false)]
    pub principal_id: Uuid,
    /// For what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub operation: String,
    /// The client's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 of the input, in hex.
    pub request_hash: String,
    /// What came of it.
    #[sea_orm(column_type = "JsonBinary")]
    pub outcome: Value,
    /// When.
    pub created_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
