//! What is told of webhooks themselves.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use entity::webhook_endpoint;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::ids::Ids;
use crate::platform::outbox::{self, NewEvent};

/// The event that an endpoint was paused by the server; payload [`WebhookPaused`].
pub const WEBHOOK_PAUSED: &str = "webhook.paused";

/// Which endpoint was paused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookPaused {
    /// The endpoint.
    pub endpoint: Uuid,
    /// Why.
    pub reason: PauseReason,
    /// Since when nothing got through.
    pub failing_since: Option<DateTime<Utc>>,
}

/// Why the server paused an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseReason {
    /// It answered that it is gone (410).
    Gone,
    /// Nothing got through for too long.
    Failing,
}

pub(super) async fn paused(
    tx: &Tx,
    ids: &Ids,
    endpoint: &webhook_endpoint::Model,
    reason: PauseReason,
    at: DateTime<Utc>,
) -> Result<()> {
    let payload = WebhookPaused { endpoint: endpoint.id, reason, failing_since: endpoint.failing_since };
    let topics = [Topic::Platform];
    outbox::append(tx, &NewEvent { id: ids.uuid(), kind: WEBHOOK_PAUSED, topics: &topics, payload: &payload, at }).await
}
