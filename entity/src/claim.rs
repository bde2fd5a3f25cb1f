//! A partner's claim on an order.

use domain::claims::ClaimStatus;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;

/// A partner's claim on an order.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "claims")]
pub struct Model {
    /// Public as `clm_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// The partner's user.
    pub partner_id: Uuid,
    /// Where it is.
    pub status: Text<ClaimStatus>,
    /// When it was made.
    pub held_at: DateTimeUtc,
    /// When it was accepted.
    pub accepted_at: Option<DateTimeUtc>,
    /// When it ends by itself; none once the goods are picked up.
    pub expires_at: Option<DateTimeUtc>,
    /// When it ended.
    pub ended_at: Option<DateTimeUtc>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
