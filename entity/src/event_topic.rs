//! Which topics an event with a position belongs to.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// Which topics an event with a position belongs to.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "event_topics")]
pub struct Model {
    /// The topic, as it is written.
    #[sea_orm(primary_key, auto_increment = false)]
    pub topic: String,
    /// The event's place in the feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
