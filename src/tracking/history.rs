//! Where partners were while they carried orders: one fix a minute of each, and for a time only.

use std::time::Duration;

use chrono::TimeDelta;
use entity::partner_location as location;
use tokio_util::sync::CancellationToken;

use super::{repo, service};
use crate::app::App;
use crate::orders::service::list_deliverers;
use crate::platform::Result;

/// How often is looked: twice a minute, so that no minute is missed.
const EVERY: Duration = Duration::from_secs(30);

/// Partners looked at in one go, and rows added in one statement.
const BATCH: u64 = 500;

/// Rows removed in one statement, so that nothing waits long behind it.
const OLD: u64 = 1_000;

/// How often old ones are looked for.
const CLEANED: Duration = Duration::from_mins(10);

const SECONDS: i64 = 60;

/// Keeps and removes until `stop`. Instances may do so at once: what one has kept of a minute the other does not add.
pub async fn run(app: App, stop: CancellationToken) {
    let (keep, forget) = (app.sweeper("tracking.history"), app.sweeper("tracking.clean_up"));
    tokio::join!(
        keep.clean_up(EVERY, stop.clone(), async || sample(&app).await.map(drop)),
        forget.clean_up(CLEANED, stop.clone(), || remove_old(&app)),
    );
}

/// Keeps where those partners are who carry an order now. How many were added.
///
/// # Errors
/// When the database fails.
pub async fn sample(app: &App) -> Result<u64> {
    let (mut added, mut after) = (0, None);
    loop {
        let (partners, since): (Vec<_>, Vec<_>) = list_deliverers(app.db.reader(), after, BATCH).await?.into_iter().unzip();
        let Some(last) = partners.last() else { return Ok(added) };
        after = Some(*last);
        let fixes = service::list_fixes(app, &partners).await;
        let rows: Vec<location::Model> = partners
            .iter()
            .zip(since)
            .zip(fixes)
            .filter_map(|((partner, since), fix)| {
                // where somebody was before they carried anything is nobody's business
                let fix = fix.filter(|fix| fix.is_since(since))?;
                Some(location::Model {
                    partner_id: *partner,
                    minute: fix.recorded_at.timestamp().div_euclid(SECONDS),
                    latitude: fix.point.latitude,
                    longitude: fix.point.longitude,
                    heading: fix.heading,
                    speed_kmh: fix.speed_kmh,
                    accuracy_m: fix.accuracy_m,
                    recorded_at: fix.recorded_at,
                })
            })
            .collect();
        if !rows.is_empty() {
            added += repo::insert_new(app.db.writer(), rows).await?;
        }
    }
}

/// Removes what is older than it need be.
///
/// # Errors
/// When the database fails.
pub async fn remove_old(app: &App) -> Result<()> {
    let age = TimeDelta::from_std(app.config.tracking.history).unwrap_or(TimeDelta::MAX / 4);
    let before = app.clock.db_now(app.db.reader()).await? - age;
    while repo::delete_before(app.db.writer(), before.timestamp().div_euclid(SECONDS), OLD).await? >= OLD {}
    Ok(())
}
