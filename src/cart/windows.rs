//! The sweep that announces when promo codes begin and end to hold.
//!
//! Nothing depends on it but who is told: whether a code holds is judged by the database's clock whenever it is asked for. Every
//! instance sweeps; each edge of a window is announced once, by a conditional mark.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::repo::promos as repo;
use super::{event, promos};
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::retry;

/// How often it looks: carts tell of an edge within a second, the sweep itself included.
const EVERY: Duration = Duration::from_millis(250);

/// Edges announced in one sweep; the next follows at once when there are more.
const BATCH: u64 = 100;

/// Sweeps until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let more = match sweep(&app).await {
            Ok(found) => found as u64 == BATCH,
            Err(error) => {
                tracing::warn!(?error, "edges of promo codes could not be announced; trying again");
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

/// Announces the edges that have come; how many were found.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<usize> {
    let due = repo::list_due(app.db.reader(), app.clock.sql_now(app.db.backend()), BATCH).await?;
    for promo in &due {
        // one that cannot be announced must not keep the others waiting
        if let Err(error) = retry(|| announce_once(app, promo)).await {
            tracing::warn!(?error, "an edge of a promo code could not be announced");
        }
    }
    Ok(due.len())
}

async fn announce_once(app: &App, promo: &entity::promo::Model) -> Result<()> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    if repo::update_edge(&*tx, promo.id, promo.next_edge_at, promos::next_edge(promo, now)).await? {
        event::promo_changed(&tx, &app.ids, promo.id, now).await?;
        tx.commit().await?;
    }
    Ok(())
}
