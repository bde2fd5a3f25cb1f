//! An address of another system that is told of what happens.

use std::fmt;

use sea_orm::entity::prelude::*;

use crate::json::{ReplacedSecrets, Strings};

/// An address of another system that is told of what happens.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoints")]
pub struct Model {
    /// Public as `whk_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Where messages go.
    pub url: String,
    /// What they are about: names of `WebhookTopic`.
    #[sea_orm(column_type = "JsonBinary")]
    pub topics: Strings,
    /// What they are signed with, encrypted.
    pub secret: String,
    /// What they were signed with before and, each until its own end, still are.
    #[sea_orm(column_type = "JsonBinary")]
    pub replaced_secrets: ReplacedSecrets,
    /// Whether it is told of anything.
    pub is_active: bool,
    /// Since when it was tried again and again and nothing got through; none while the last message did.
    pub failing_since: Option<DateTimeUtc>,
    /// When it was last tried in vain since then.
    pub last_failed_at: Option<DateTimeUtc>,
    /// Who made it.
    pub creator_id: Uuid,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was last changed by a person, or paused.
    pub updated_at: DateTimeUtc,
}

/// Without the address, which may hold a token, and without the secrets.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("webhook_endpoint")
            .field("id", &self.id)
            .field("topics", &self.topics)
            .field("is_active", &self.is_active)
            .field("failing_since", &self.failing_since)
            .finish_non_exhaustive()
    }
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
