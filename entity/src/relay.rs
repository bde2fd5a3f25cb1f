//! The lease of the one relay that numbers and publishes a feed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// The lease of the one relay that numbers and publishes a feed.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "relays")]
pub struct Model {
    /// The feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The instance that holds the lease.
    pub holder: Uuid,
    /// By the database's clock.
    pub expires_at: DateTimeUtc,
    /// The last position given.
    pub position: i64,
    /// The last position handed to the bus.
    pub published: i64,
    /// Which incarnation of the feed this is; 0: none yet.
    pub epoch: i32,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
