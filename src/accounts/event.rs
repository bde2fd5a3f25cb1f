//! What accounts tells every instance of: sessions that ended.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::outbox::{self, NewEvent};

/// The event that sessions ended; payload [`AccessEnded`].
pub const ACCESS_ENDED: &str = "access.ended";

/// Whose access ended. What they have open is closed, on every instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEnded {
    /// The user.
    pub user: Uuid,
    /// The session; `None`: every session that they had then.
    pub session: Option<Uuid>,
}

/// Logs that access `ended`, in the transaction that ends it. From its commit on, this instance asks anew who the user is.
pub(super) async fn record_ended(app: &App, tx: &Tx, ended: AccessEnded, at: DateTime<Utc>) -> Result<()> {
    let actors = app.actors.clone();
    tx.after_commit(move || actors.forget(ended.user));
    let event = NewEvent { id: app.ids.uuid(), kind: ACCESS_ENDED, topics: &[Topic::Access], payload: &ended, at };
    outbox::append(tx, &event).await
}
