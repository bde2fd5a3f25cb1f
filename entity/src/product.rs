//! A product of one seller.

use domain::money::Currency;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;
use crate::json::Strings;

/// A product of one seller.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "products")]
pub struct Model {
    /// Public as `prd_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The seller's number for it; unique.
    pub sku: String,
    /// Who sells it.
    pub seller_id: Uuid,
    /// Where it is listed.
    pub category_id: Uuid,
    /// As shown.
    pub name: String,
    /// The words of the name, folded, compared byte by byte.
    pub name_key: String,
    /// The terms that searches find it by, each after a space.
    pub search_text: String,
    /// As shown.
    pub description: String,
    /// Price in minor units.
    pub price_minor: i64,
    /// The price before a reduction.
    pub compare_at_minor: Option<i64>,
    /// Of the prices.
    pub currency: Text<Currency>,
    /// Addresses of pictures.
    #[sea_orm(column_type = "JsonBinary")]
    pub images: Strings,
    /// Free labels, in lower case.
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: Strings,
    /// Whether it can be bought.
    pub is_active: bool,
    /// Pieces ever sold; what `BEST_SELLING` sorts by.
    pub sold_count: i64,
    /// Every score that it was given, added up.
    pub rating_sum: i64,
    /// How many scores that is.
    pub rating_count: i64,
    /// When it was listed.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
