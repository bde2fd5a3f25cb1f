//! What a store sold in an hour.

use domain::money::Currency;
use sea_orm::entity::prelude::*;

use crate::Text;

/// The sum of a store's orders of one currency that were placed in one hour and are sales.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sales_hours")]
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
    /// How many; 0 once all were called off.
    pub orders: i64,
    /// Their totals, minor units.
    pub total_minor: i64,
    /// What of these went back, minor units.
    pub refunded_minor: i64,
}

/// None: no table of another slice is joined by it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
