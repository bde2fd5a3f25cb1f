//! How far the consumers of the event log have read.

use sea_orm::entity::prelude::*;

/// How far a consumer of the event log has read.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consumers")]
pub struct Model {
    /// Its name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The position of the last event whose effects are committed.
    pub position: i64,
}

/// None: nothing refers to it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
