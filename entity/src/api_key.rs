//! A key with which a program acts in somebody's name.

use std::fmt;

use sea_orm::entity::prelude::*;

use crate::json::Strings;

/// A key with which a program acts in somebody's name.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// Public as `key_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// What the key begins with, to tell keys apart.
    pub prefix: String,
    /// SHA-256 of the key.
    pub secret_hash: String,
    /// What it is good for: names of `ApiScope`.
    #[sea_orm(column_type = "JsonBinary")]
    pub scopes: Strings,
    /// In whose name it acts: the admin who made it, or the user of its store.
    pub user_id: Uuid,
    /// The store that it is restricted to.
    pub seller_id: Option<Uuid>,
    /// Who made it.
    pub creator_id: Uuid,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it stops working.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTimeUtc>,
}

/// Without the hash.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("api_key")
            .field("id", &self.id)
            .field("scopes", &self.scopes)
            .field("user_id", &self.user_id)
            .field("seller_id", &self.seller_id)
            .field("expires_at", &self.expires_at)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
