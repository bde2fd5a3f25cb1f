//! How often a customer used a promo code.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// How often a customer used a promo code.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "promo_customers")]
pub struct Model {
    /// The promo code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub promo_id: Uuid,
    /// The customer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: Uuid,
    /// Their orders that it was used for and that were not called off.
    pub uses: i32,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
