//! Old notifications are forgotten, and with them that they could not be sent.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::sending::{EMAIL, SMS};
use super::service;
use crate::app::App;
use crate::platform::{Result, jobs};

/// How often the old ones are looked for.
const EVERY: Duration = Duration::from_hours(1);

/// Rows removed in one statement.
const BATCH: u64 = 500;

/// Removes them until `stop`. Instances may do so at once: what one removed, the other does not find.
pub async fn run(app: App, stop: CancellationToken) {
    app.sweeper("notifications.clean_up").clean_up(EVERY, stop, || sweep(&app)).await;
}

/// Removes what is older than it is kept for, read or not.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<()> {
    let kept = TimeDelta::from_std(app.config.notification_retention).unwrap_or(TimeDelta::MAX / 4);
    let before = app.clock.db_now(app.db.reader()).await? - kept;
    while service::delete_old(app, before, BATCH).await? == BATCH {}
    // nobody has seen to it in all that time, and it is about nothing any more
    while jobs::delete_old_dead(app.db.writer(), &[EMAIL, SMS], before, BATCH).await? == BATCH {}
    Ok(())
}
