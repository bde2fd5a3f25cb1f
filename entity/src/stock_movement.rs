//! One line of a product's stock ledger; the deltas sum to what is on hand.

use domain::stock::StockMovementReason;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;

/// One line of a product's stock ledger; the deltas sum to what is on hand.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "stock_movements")]
pub struct Model {
    /// Public as `inv_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The product.
    pub product_id: Uuid,
    /// Pieces in (positive) or out.
    pub delta: i32,
    /// On hand once it was done.
    pub on_hand_after: i32,
    /// Why.
    pub reason: Text<StockMovementReason>,
    /// Who; none when the server itself.
    pub actor_id: Option<Uuid>,
    /// The order it was for.
    pub order_id: Option<Uuid>,
    /// In the actor's words.
    pub note: Option<String>,
    /// When.
    pub at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
