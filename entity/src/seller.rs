//! A seller's store.

use domain::order::Preparation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;

/// A seller's store.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "sellers")]
pub struct Model {
    /// Public as `sel_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The user who runs it; one store a user.
    pub user_id: Uuid,
    /// As customers see it.
    pub store_name: String,
    /// Where partners pick up, degrees.
    pub latitude: f64,
    /// Where partners pick up, degrees.
    pub longitude: f64,
    /// Whether orders wait for the store to pack them.
    pub preparation: Text<Preparation>,
    /// Every score that it was given, added up.
    pub rating_sum: i64,
    /// How many scores that is.
    pub rating_count: i64,
    /// When it joined.
    pub created_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
