//! What a store sold of a product in an hour.

use domain::money::Currency;
use sea_orm::entity::prelude::*;

use crate::Text;

/// The sum of a product's lines in the orders that a [`super::sales_hour`] counts.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sales_hour_products")]
pub struct Model {
    /// The store.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seller_id: Uuid,
    /// Of the amount.
    #[sea_orm(primary_key, auto_increment = false)]
    pub currency: Text<Currency>,
    /// When the hour begins, in seconds since 1970.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hour: i64,
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Uuid,
    /// Pieces; 0 once all were called off.
    pub quantity: i64,
    /// The lines' totals, minor units.
    pub total_minor: i64,
}

/// None: no table of another slice is joined by it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
