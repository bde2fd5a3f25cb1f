//! The sweep that ends claims whose time is up.
//!
//! Every instance sweeps. They cannot do a claim twice: each end is one conditional change of the order's row, judged by the
//! database's clock.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::orders::service::{claims, list_due};
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::sweep::{BATCH, Swept};

/// The name of the sweep.
pub const SWEEP: &str = "dispatch.expire_claims";

/// Sweeps until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    app.sweeper(SWEEP).run(stop, || sweep(&app)).await;
}

/// Ends the claims that are due now.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<Swept> {
    let reader = app.db.reader();
    let due = list_due(reader, SWEEP, app.clock.sql_now(reader.get_database_backend()), BATCH).await?;
    Ok(app.sweeper(SWEEP).each(&due, |order| *order, |order| end(app, *order)).await)
}

/// Ends the claim of `order`, if its time is up.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, order: Uuid) -> Result<()> {
    retry(|| expire_once(app, order)).await
}

async fn expire_once(app: &App, order: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    if claims::expire(app, &tx, order).await?.is_some() {
        tx.commit().await?;
    }
    Ok(())
}
