//! A category of products.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A category of products.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "categories")]
pub struct Model {
    /// Public as `cat_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Unique, for addresses and imports.
    pub slug: String,
    /// As shown.
    pub name: String,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
