//! What is told of webhooks themselves.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use domain::webhook::{PauseReason, WEBHOOK_PAUSED, WebhookPaused};
use entity::webhook_endpoint;

use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::ids::Ids;
use crate::platform::outbox::{self, NewEvent};

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
