//! What a customer thought of an order.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What a customer thought of an order that was delivered: said once, for good.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "ratings")]
pub struct Model {
    /// The order: it has one rating.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    /// 1 to 5.
    pub score: i32,
    /// In the customer's words.
    pub comment: Option<String>,
    /// When.
    pub at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
