//! What somebody is notified of.

use domain::notification::NotificationKind;
use sea_orm::entity::prelude::*;

use crate::Text;

/// What somebody is notified of.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    /// Public as `ntf_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who.
    pub user_id: Uuid,
    /// The event that it follows from: of one event a user is notified of each kind once.
    pub event_id: Uuid,
    /// What it is about.
    pub kind: Text<NotificationKind>,
    /// One line.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// The order that it is about.
    pub order_id: Option<Uuid>,
    /// When it happened.
    pub created_at: DateTimeUtc,
    /// When they had read it.
    pub read_at: Option<DateTimeUtc>,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
