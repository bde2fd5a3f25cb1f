//! A message to an endpoint, and what became of it.

use domain::webhook::{WebhookDeliveryStatus, WebhookTopic};
use sea_orm::entity::prelude::*;

use crate::Text;

/// A message to an endpoint, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// Public as `whd_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// To whom.
    pub endpoint_id: Uuid,
    /// The event that it tells of.
    pub event_id: Uuid,
    /// As what it tells of it: an event may be of several topics.
    pub topic: Text<WebhookTopic>,
    /// What became of it.
    pub status: Text<WebhookDeliveryStatus>,
    /// What is sent, the same every time.
    pub body: String,
    /// How often it was begun to be sent.
    pub attempts: i32,
    /// What the endpoint answered the last time that it answered.
    pub last_status_code: Option<i32>,
    /// Why it did not get through the last time.
    pub last_error: Option<String>,
    /// When it is sent again, while it is to be.
    pub next_attempt_at: Option<DateTimeUtc>,
    /// Until when nobody else sends it.
    pub sending_until: Option<DateTimeUtc>,
    /// When the event was heard.
    pub created_at: DateTimeUtc,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTimeUtc>,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
