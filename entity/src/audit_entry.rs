//! What somebody with rights over others did.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What somebody with rights over others did.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// Public as `aud_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who; none when an operator did it at the machine.
    pub actor_id: Option<Uuid>,
    /// The API key that they used, if one was.
    pub api_key_id: Option<Uuid>,
    /// What, e.g. `user.update`.
    pub action: String,
    /// To what, as clients name it.
    pub target_id: Option<String>,
    /// What of it was so before, as JSON.
    pub before: Option<String>,
    /// What is so since, as JSON.
    pub after: Option<String>,
    /// The request that asked for it.
    pub request_id: Option<String>,
    /// When.
    pub at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
