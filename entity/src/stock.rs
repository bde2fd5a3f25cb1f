//! What a store has of a product.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What a store has of a product.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "stocks")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Uuid,
    /// Pieces in the store.
    pub on_hand: i32,
    /// Pieces promised to unpaid orders.
    pub reserved: i32,
    /// At or below this the stock is low.
    pub low_stock_threshold: i32,
    /// Whether it is.
    pub is_low: bool,
    /// Whether it was before the last statement that touched it: the two together tell a crossing.
    pub was_low: bool,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
