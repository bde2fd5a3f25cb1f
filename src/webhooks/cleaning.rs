//! What has ended long ago is forgotten, what nobody will send is said to have failed, and secrets that are encrypted with a key that was replaced are encrypted anew.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::json::ReplacedSecret;
use entity::webhook_endpoint;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{repo, secrets, sending};
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::jobs;

/// How often is cleaned up, besides at the start.
const EVERY: Duration = Duration::from_hours(1);

/// Rows removed or looked at in one statement.
const BATCH: u64 = 500;

/// How long a message may be due before somebody looks whether it has a job.
const OVERDUE: TimeDelta = TimeDelta::hours(1);

/// Cleans up until `stop`. Instances may do so at once: what one did, the other does not find.
pub async fn clean(app: App, stop: CancellationToken) {
    app.sweeper("webhooks.clean_up").clean_up(EVERY, stop, || sweep(&app)).await;
}

/// Does it once.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<()> {
    let kept = TimeDelta::from_std(app.config.webhooks.log).unwrap_or(TimeDelta::MAX / 4);
    let now = app.clock.db_now(app.db.reader()).await?;
    while repo::delete_old_deliveries(app.db.writer(), now - kept, BATCH).await? == BATCH {}
    give_up_stranded(app, now).await?;
    reseal(app).await
}

/// Gives up what is to be sent and has no job that would: whoever made the last attempt could not write down how it ended.
async fn give_up_stranded(app: &App, now: DateTime<Utc>) -> Result<()> {
    let (before, mut after) = (now - OVERDUE, Uuid::nil());
    loop {
        let overdue = repo::list_overdue(app.db.reader(), after, before, BATCH).await?;
        let Some(last) = overdue.last() else { return Ok(()) };
        after = *last;
        let keys: Vec<String> = overdue.iter().map(|delivery| sending::key(*delivery)).collect();
        let waiting = jobs::list_waiting(app.db.reader(), sending::SEND, &keys).await?;
        let stranded = overdue.into_iter().zip(keys).filter(|(_, key)| !waiting.contains(key));
        let stranded: Vec<Uuid> = stranded.map(|(delivery, _)| delivery).collect();
        if !stranded.is_empty() {
            let reason = "it was given up, and how its last attempt ended is not known";
            let count = retry(|| repo::update_stranded(app.db.writer(), &stranded, before, reason, now)).await?;
            tracing::warn!(count, "webhooks that nobody would have sent were given up");
        }
    }
}

async fn reseal(app: &App) -> Result<()> {
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
    for stored in endpoint.replaced_secrets.0.iter().map(|replaced| &replaced.secret).chain([&endpoint.secret]) {
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
    let mut replaced = Vec::new();
    for ReplacedSecret { secret, until } in std::mem::take(&mut row.replaced_secrets.0) {
        // one that cannot be read signs nothing
        if let Some(secret) = secrets::open(app, row.id, &secret)? {
            replaced.push(ReplacedSecret { secret: secrets::seal(app, row.id, &secret)?, until });
        }
    }
    row.replaced_secrets.0 = replaced;
    repo::update_endpoint(&*tx, row).await?;
    tx.commit().await
}
