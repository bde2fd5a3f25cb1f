//! What has ended long ago is forgotten, and secrets that are encrypted with a key that was replaced are encrypted anew.

use std::time::Duration;

use chrono::TimeDelta;
use entity::webhook_endpoint;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{repo, secrets};
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::sweep::clean_up;

/// How often is cleaned up, besides at the start.
const EVERY: Duration = Duration::from_hours(1);

/// Rows removed or looked at in one statement.
const BATCH: u64 = 500;

/// Cleans up until `stop`. Instances may do so at once: what one did, the other does not find.
pub async fn clean(app: App, stop: CancellationToken) {
    clean_up(EVERY, stop, "webhooks", || sweep(&app)).await;
}

/// Does it once.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<()> {
    let kept = TimeDelta::from_std(app.config.webhooks.log).unwrap_or(TimeDelta::MAX / 4);
    let before = app.clock.db_now(app.db.reader()).await? - kept;
    while repo::delete_old_deliveries(app.db.writer(), before, BATCH).await? == BATCH {}
    let mut after = Uuid::nil();
    loop {
        let endpoints = repo::list_endpoints_after(app.db.reader(), after, BATCH).await?;
        let Some(last) = endpoints.last() else { return Ok(()) };
        after = last.id;
        for endpoint in endpoints {
            if !is_current(app, &endpoint)? {
                retry(|| reseal_once(app, endpoint.id)).await?;
            }
        }
    }
}

fn is_current(app: &App, endpoint: &webhook_endpoint::Model) -> Result<bool> {
    for stored in [Some(&endpoint.secret), endpoint.previous_secret.as_ref()].into_iter().flatten() {
        if !secrets::is_current(app, stored)? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn reseal_once(app: &App, endpoint: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    let Some(mut row) = repo::lock_endpoint(&*tx, endpoint).await? else { return Ok(()) };
    let Some(secret) = secrets::open(app, row.id, &row.secret)? else {
        tracing::warn!(endpoint = %row.id, "the signing secret of a webhook endpoint cannot be read: rotate it");
        return Ok(());
    };
    row.secret = secrets::seal(app, row.id, &secret)?;
    row.previous_secret = match &row.previous_secret {
        // one that cannot be read signs nothing
        Some(previous) => match secrets::open(app, row.id, previous)? {
            Some(previous) => Some(secrets::seal(app, row.id, &previous)?),
            None => None,
        },
        None => None,
    };
    repo::update_endpoint(&*tx, row).await?;
    tx.commit().await
}
