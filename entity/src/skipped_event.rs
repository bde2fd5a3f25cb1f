//! Events that a consumer has set aside.

use sea_orm::entity::prelude::*;
use serde_json::Value;

/// An event that a consumer has passed without its effects, which a job is to make up for.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "skipped_events")]
pub struct Model {
    /// The consumer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: String,
    /// The event's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// The event's place in the feed.
    pub position: i64,
    /// The event's kind, e.g. `order.changed`.
    pub kind: String,
    /// What subscribers were told.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Value,
    /// When it happened.
    pub at: DateTimeUtc,
}

/// None: events are removed by their age, and what was set aside is not.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
