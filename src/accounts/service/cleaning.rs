//! Sessions that are long over are forgotten, and what was mailed, or could not be, and does not work any more.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::mailing::{EMAIL_VERIFICATION, PASSWORD_RESET};
use crate::accounts::repo::{mailed, sessions as repo};
use crate::app::App;
use crate::platform::{Result, jobs};

/// How often the old ones are looked for.
const EVERY: Duration = Duration::from_hours(1);

/// How long a session and its tokens are kept after their end: a token that is used again so late is still known as used.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Rows removed in one statement.
const BATCH: u64 = 500;

/// Cleans up until `stop`. Instances may do so at once: what one removed, the other does not find.
pub async fn clean(app: App, stop: CancellationToken) {
    app.sweeper("accounts.clean_up").clean_up(EVERY, stop, || sweep(&app)).await;
}

/// Removes what is older than it need be.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<()> {
    let before = app.clock.db_now(app.db.reader()).await? - KEPT;
    while repo::delete_old_tokens(app.db.writer(), before, BATCH).await? == BATCH {}
    while repo::delete_old_sessions(app.db.writer(), before, BATCH).await? == BATCH {}
    while mailed::delete_old(app.db.writer(), before, BATCH).await? == BATCH {}
    // what was to be mailed has worn out, too
    let mails = [PASSWORD_RESET, EMAIL_VERIFICATION];
    while jobs::delete_old_dead(app.db.writer(), &mails, before, BATCH).await? == BATCH {}
    Ok(())
}
