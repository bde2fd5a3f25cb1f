//! A user of any role.

use domain::access::Role;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{PasswordHash, Text};

/// A user of any role.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Public as `usr_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Lower case; unique.
    pub email: String,
    /// Argon2id, as a PHC string.
    #[serde(skip)]
    pub password_hash: PasswordHash,
    /// As the user writes it.
    pub name: String,
    /// E.164 without separators.
    pub phone: Option<String>,
    /// What the user is.
    pub role: Text<Role>,
    /// Whether they may sign in.
    pub is_active: bool,
    /// When the address was proven.
    pub email_verified_at: Option<DateTimeUtc>,
    /// When they registered.
    pub created_at: DateTimeUtc,
    /// When the row last changed.
    pub updated_at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
