//! What of an order is counted as sold.

use domain::money::Currency;
use domain::order::OrderStatus;
use sea_orm::entity::prelude::*;

use crate::Text;

/// What of an order is in the sums of its hour.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sales_orders")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    /// The version that was looked at last.
    pub version: i32,
    /// Its state then.
    pub status: Text<OrderStatus>,
    /// Its state in the version before, if one was looked at.
    pub was_status: Option<Text<OrderStatus>>,
    /// Whether it is in the sums.
    pub is_counted: bool,
    /// Whether the version before left it there.
    pub was_counted: bool,
    /// When the hour in which it was placed begins, in seconds since 1970.
    pub hour: i64,
    /// From whom.
    pub seller_id: Uuid,
    /// Of the amount.
    pub currency: Text<Currency>,
    /// What it comes to, minor units.
    pub total_minor: i64,
    /// What of that went back, minor units.
    pub refunded_minor: i64,
    /// What the version before left there as such.
    pub was_refunded_minor: i64,
}

/// None: no table of another slice is joined by it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
