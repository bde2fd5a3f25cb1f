//! A product in a cart.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A product in a cart.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "cart_lines")]
pub struct Model {
    /// Public as `crt_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The cart.
    pub cart_id: Uuid,
    /// The product; once a cart.
    pub product_id: Uuid,
    /// Pieces.
    pub quantity: i32,
    /// What a piece cost when the customer last set the line, in minor units.
    pub unit_minor: i64,
    /// When it was put in.
    pub added_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
