//! Events that a consumer has set aside.

use sea_orm::entity::prelude::*;

/// An event that a consumer has passed without its effects, which a job is to make up for.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "skipped_events")]
pub struct Model {
    /// The consumer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: String,
    /// The event's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
}

/// None: events are removed by their age.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
