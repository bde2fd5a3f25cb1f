//! A customer's cart, once something was put into it.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A customer's cart, once something was put into it.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "carts")]
pub struct Model {
    /// Public as `crt_…`; see `domain::cart::cart_id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose; one a customer.
    pub customer_id: Uuid,
    /// The promo code that is applied.
    pub promo_id: Option<Uuid>,
    /// One more with every change.
    pub version: i32,
    /// When its customer last changed it.
    pub updated_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
