//! A saved address.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A saved address.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "addresses")]
pub struct Model {
    /// Public as `adr_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// What the user calls it.
    pub label: String,
    /// Street and number.
    pub line1: String,
    /// Floor, flat.
    pub line2: Option<String>,
    /// City.
    pub city: String,
    /// State or province.
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Degrees.
    pub latitude: Option<f64>,
    /// Degrees.
    pub longitude: Option<f64>,
    /// For the partner at the door.
    pub instructions: Option<String>,
    /// Whether it is chosen unless another is named.
    pub is_default: bool,
    /// When it was saved.
    pub created_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
