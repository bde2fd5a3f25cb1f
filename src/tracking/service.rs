//! Use-cases of tracking.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::estimate;
use domain::event::Topic;
use domain::fix::{Fix, Report};
use domain::geo::Point;
use entity::order;
use uuid::Uuid;

use crate::app::App;
use crate::orders::service::{deliverer, find_arrival};
use crate::platform::Result;

/// Takes what a partner's device says. What is older than what is known already changes nothing.
///
/// What has no time gets one where it is kept, so that the reports of a device that go to several instances are in the order in
/// which they came. Whether a time makes sense is judged by this process's clock and not by the database's, which is not asked
/// here: devices' clocks differ by more than ours do.
///
/// # Errors
/// `INVALID_INPUT` at the field that makes no sense; when Redis cannot be reached.
pub async fn report(app: &App, partner: Uuid, report: Report) -> Result<()> {
    let at = report.recorded_at;
    let fix = report.check(app.clock.now(), delta(app.config.tracking.keep))?;
    app.newest.put(Topic::Location(partner), at, serde_json::to_string(&fix)?).await?;
    Ok(())
}

/// Where each of `partners` is, as far as that is known: nothing, too, while it cannot be asked.
pub async fn list_fixes(app: &App, partners: &[Uuid]) -> Vec<Option<Fix>> {
    let topics: Vec<Topic> = partners.iter().map(|partner| Topic::Location(*partner)).collect();
    let values = match app.newest.list(&topics).await {
        Ok(values) => values,
        Err(error) => {
            tracing::warn!(?error, "where partners are cannot be asked");
            return vec![None; partners.len()];
        }
    };
    let (now, keep) = (app.clock.now(), delta(app.config.tracking.keep));
    let read = |(recorded_at, value): (DateTime<Utc>, String)| {
        // the text is not for the log
        let fix = serde_json::from_str::<Fix>(&value);
        let fix = fix.inspect_err(|_| tracing::error!("where a partner is cannot be read")).ok()?;
        Some(Fix { recorded_at, ..fix })
    };
    values.into_iter().map(|value| value.and_then(read).filter(|fix| !fix.is_older_than(keep, now))).collect()
}

/// Whether `fix` is so old that the partner may be elsewhere.
#[must_use]
pub fn is_stale(app: &App, fix: &Fix) -> bool {
    fix.is_older_than(delta(app.config.tracking.stale), app.clock.now())
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Where the partner is, while one carries the order.
    pub fix: Option<Fix>,
    /// When it is likely to be handed over.
    pub estimated_at: Option<DateTime<Utc>>,
    /// What is left of the way, in metres in a straight line.
    pub distance_left_m: Option<f64>,
}

/// How far `order` has come: by where its partner was last, when that is known, by its stage otherwise. Where they were before
/// `since`, when they took it, is nobody's business; `None`: nobody has.
pub async fn progress(app: &App, order: &order::Model, since: Option<DateTime<Utc>>) -> Progress {
    let fix = match deliverer(order).zip(since) {
        Some((partner, since)) => list_fixes(app, &[partner]).await.pop().flatten().filter(|fix| fix.is_since(since)),
        None => None,
    };
    let status = *order.status;
    let pickup = Point { latitude: order.pickup_latitude, longitude: order.pickup_longitude };
    let dropoff = Point { latitude: order.dropoff_latitude, longitude: order.dropoff_longitude };
    let from = match fix {
        Some(fix) => Some(estimate::reckoned_from(status, began(app, order, &fix).await, fix, pickup)),
        None => None,
    };
    let distance_left_m = from.and_then(|from| estimate::distance_left_m(status, from.point, pickup, dropoff));
    // a fix that is stale says more than the stage does: the estimate counts from when it was made
    let by_fix = from
        .zip(distance_left_m)
        .and_then(|(from, left)| estimate::arrival_at(status, from.recorded_at, left, from.speed_kmh));
    let estimated_at = by_fix.or_else(|| estimate::delivery_at(status, order.updated_at, order.distance_m));
    Progress { fix, estimated_at, distance_left_m }
}

/// Since when `order` has been where it is. Asked for only if it matters to `fix`, which it does for the moment between a step
/// and the next report: what changes an order without a step, a refund, begins nothing.
async fn began(app: &App, order: &order::Model, fix: &Fix) -> DateTime<Utc> {
    if fix.recorded_at >= order.updated_at {
        return order.updated_at;
    }
    match find_arrival(app.db.reader(), order).await {
        Ok(arrival) => arrival.unwrap_or(order.updated_at),
        Err(error) => {
            tracing::warn!(?error, "since when an order is where it is cannot be asked");
            order.updated_at
        }
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
