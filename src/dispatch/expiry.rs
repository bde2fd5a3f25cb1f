//! The sweep that ends claims whose time is up.
//!
//! Every instance sweeps. They cannot do a claim twice: each end is one conditional change of the order's row, judged by the
//! database's clock.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::orders::service::{claims, list_due};
use crate::platform::Result;
use crate::platform::db::retry;

/// How often the due claims are looked for: they end within a second of their time, the sweep itself included.
const EVERY: Duration = Duration::from_millis(250);

/// Claims ended in one sweep; the next follows at once when there are more.
const BATCH: u64 = 100;

/// Sweeps until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let more = match sweep(&app).await {
            Ok(found) => found as u64 == BATCH,
            Err(error) => {
                tracing::warn!(?error, "claims could not be expired; trying again");
                false
            }
        };
        let pause = if more { Duration::ZERO } else { EVERY };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Ends the claims that are due now; how many were found.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<usize> {
    let reader = app.db.reader();
    let due = list_due(reader, app.clock.sql_now(reader.get_database_backend()), BATCH).await?;
    for order in &due {
        // one that cannot be ended must not keep the others waiting
        if let Err(error) = retry(|| expire_once(app, order.id)).await {
            tracing::warn!(?error, "a claim could not be expired");
        }
    }
    Ok(due.len())
}

async fn expire_once(app: &App, order: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    if claims::expire(app, &tx, order).await?.is_some() {
        tx.commit().await?;
    }
    Ok(())
}
