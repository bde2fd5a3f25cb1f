//! A promo code.

use domain::money::Currency;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;

/// A promo code.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "promos")]
pub struct Model {
    /// Never shown: clients know the code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In capitals; unique.
    pub code: String,
    /// What it takes off, in hundredths of a percent; this or `amount_minor`.
    pub percent_basis_points: Option<i32>,
    /// What it takes off, in minor units.
    pub amount_minor: Option<i64>,
    /// The lines' sum that it asks for.
    pub minimum_subtotal_minor: i64,
    /// Of its amounts.
    pub currency: Text<Currency>,
    /// It holds from then on.
    pub starts_at: Option<DateTimeUtc>,
    /// It holds until just before then.
    pub ends_at: Option<DateTimeUtc>,
    /// Orders that it may be used for in all.
    pub max_uses: Option<i32>,
    /// Orders of one customer that it may be used for.
    pub max_uses_per_customer: Option<i32>,
    /// Orders that it was used for and that were not called off.
    pub uses: i32,
    /// When its window next begins or ends.
    pub next_edge_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
