//! Where partners were while they carried orders.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// Where a partner was, once a minute at the most, while they carried an order.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "partner_locations")]
pub struct Model {
    /// The partner's user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: Uuid,
    /// Minutes since 1970, of `recorded_at`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub minute: i64,
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// Degrees clockwise from north.
    pub heading: Option<f64>,
    /// Kilometres an hour.
    pub speed_kmh: Option<f64>,
    /// Metres.
    pub accuracy_m: Option<f64>,
    /// When, by the device.
    pub recorded_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
