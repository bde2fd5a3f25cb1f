//! What role PARTNER adds to a user.

use domain::claims::VehicleType;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;

/// What role PARTNER adds to a user.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "partners")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// What they ride.
    pub vehicle: Text<VehicleType>,
    /// Its plate.
    pub vehicle_number: Option<String>,
    /// Their driving licence; never shown.
    pub license_number: Option<String>,
    /// Whether they take orders now.
    pub is_available: bool,
    /// How many orders they may carry at once.
    pub capacity: i32,
    /// Live claims, held and accepted; moved only by conditional updates.
    pub active_deliveries: i32,
    /// Orders delivered.
    pub completed_deliveries: i32,
    /// Every score that they were given, added up.
    pub rating_sum: i64,
    /// How many scores that is.
    pub rating_count: i64,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
