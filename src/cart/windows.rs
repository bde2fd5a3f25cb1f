//! The sweep that announces when promo codes begin and end to hold.
//!
//! Nothing depends on it but who is told: whether a code holds is judged by the database's clock whenever it is asked for. Every
//! instance sweeps; each edge of a window is announced once, by a conditional mark.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::repo::promos as repo;
use super::{event, promos};
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::sweep::{BATCH, Swept};

/// The name of the sweep.
pub const SWEEP: &str = "cart.promo_edges";

/// Sweeps until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    app.sweeper(SWEEP).run(stop, || sweep(&app)).await;
}

/// Announces the edges that have come.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<Swept> {
    let due = repo::list_due(app.db.reader(), SWEEP, app.clock.sql_now(app.db.backend()), BATCH).await?;
    Ok(app.sweeper(SWEEP).each(&due, |promo| promo.id, |promo| retry(|| announce_once(app, promo))).await)
}

/// Announces the edge of the promo code `id`, if it has come.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, id: Uuid) -> Result<()> {
    let due = repo::find_due(app.db.reader(), id, app.clock.sql_now(app.db.backend())).await?;
    match &due {
        Some(promo) => retry(|| announce_once(app, promo)).await,
        None => Ok(()),
    }
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
