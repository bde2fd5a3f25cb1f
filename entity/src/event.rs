//! One event of the log, written in the transaction that made it true.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One event of the log, written in the transaction that made it true.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// Insertion order; says nothing about commits.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Its place in the feed, given after commit.
    pub position: Option<i64>,
    /// Public as `evt_…`.
    pub event_id: Uuid,
    /// E.g. `order.changed`.
    pub kind: String,
    /// The topics it belongs to, space-separated.
    pub topics: String,
    /// What subscribers are told.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Value,
    /// When it happened.
    pub at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
