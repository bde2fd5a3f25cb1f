//! A use of a promo code by an order.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A use of a promo code by an order.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "promo_redemptions")]
pub struct Model {
    /// The order; it has one code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    /// The promo code.
    pub promo_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// When it was placed.
    pub redeemed_at: DateTimeUtc,
    /// When the order was called off, and the use came back.
    pub given_back_at: Option<DateTimeUtc>,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
