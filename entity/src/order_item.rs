//! A line of an order, as sold.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A line of an order, as sold.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "order_items")]
pub struct Model {
    /// Public as `oli_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// The product.
    pub product_id: Uuid,
    /// From 0, in the order given.
    pub position: i32,
    /// The product's name when sold.
    pub name: String,
    /// Its SKU when sold.
    pub sku: String,
    /// Pieces.
    pub quantity: i32,
    /// Minor units a piece.
    pub unit_minor: i64,
    /// Minor units for the line.
    pub line_minor: i64,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
