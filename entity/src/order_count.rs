//! How many orders are in a state.

use domain::order::OrderStatus;
use sea_orm::entity::prelude::*;

use crate::Text;

/// How many orders are in a state, as far as they are counted.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_counts")]
pub struct Model {
    /// The state.
    #[sea_orm(primary_key, auto_increment = false)]
    pub status: Text<OrderStatus>,
    /// How many.
    pub orders: i64,
}

/// None: no table of another slice is joined by it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
