//! The platform's figures of this moment.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::Named;
use domain::order::OrderStatus;

use super::sales;
use crate::accounts::partners;
use crate::app::App;
use crate::orders::service as orders;
use crate::platform::Result;

/// Deliveries that the medians look at; enough for a steady figure, little to read.
const SAMPLE: u64 = 1_000;

/// The platform at one moment.
#[derive(Debug, Clone)]
pub struct Stats {
    /// The moment, by the database's clock.
    pub at: DateTime<Utc>,
    /// Orders in each state, every state once.
    pub by_status: Vec<(OrderStatus, i32)>,
    /// Orders placed today (UTC) that were not called off.
    pub orders_today: i32,
    /// What those of them come to that are sales, minor units.
    pub revenue_minor: i64,
    /// Partners who take orders.
    pub active_partners: i32,
    /// Partners who carry one.
    pub busy_partners: i32,
    /// Orders that wait for a partner.
    pub unassigned: i32,
    /// How long the first of them has waited, seconds.
    pub oldest_unassigned: Option<i32>,
    /// Half of today's deliveries took no longer, seconds.
    pub median_delivery: Option<i32>,
    /// Nineteen in twenty took no longer, seconds.
    pub p95_delivery: Option<i32>,
}

/// The figures as they were at `since` or later, by this process's clock: read once for all who ask at the same time.
///
/// # Errors
/// When the database fails.
pub async fn stats(app: &App, since: DateTime<Utc>) -> Result<Arc<Stats>> {
    app.lately.get(since, || read(app)).await
}

/// Reads the figures: six statements, whatever their size.
async fn read(app: &App) -> Result<Stats> {
    let db = app.db.reader();
    let at = app.clock.db_now(db).await?;
    let today = at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let counts = sales::count_by_status(app).await?;
    let by_status = OrderStatus::ALL.iter().map(|status| {
        let count = counts.iter().find(|(counted, _)| counted == status).map_or(0, |(_, count)| *count);
        (*status, small(count))
    });
    let (orders_today, revenue_minor) = orders::sum_since(db, today, app.config.currency).await?;
    let (active, busy) = partners::count_at_work(app).await?;
    let unassigned = orders::count_offered(db, None).await?.0;
    let oldest = orders::list_first_offered(db, None, 1).await?;
    let mut seconds: Vec<i64> = orders::list_delivery_times(db, today, SAMPLE)
        .await?
        .into_iter()
        .map(|(placed, delivered)| (delivered - placed).num_seconds())
        .collect();
    seconds.sort_unstable();
    Ok(Stats {
        at,
        by_status: by_status.collect(),
        orders_today: small(orders_today),
        revenue_minor,
        active_partners: small(active),
        busy_partners: small(busy),
        unassigned,
        oldest_unassigned: oldest
            .first()
            .and_then(|order| order.ready_at)
            .map(|ready| small((at - ready).max(TimeDelta::zero()).num_seconds())),
        median_delivery: percentile(&seconds, 50),
        p95_delivery: percentile(&seconds, 95),
    })
}

fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The nearest-rank percentile of sorted values.
fn percentile(sorted: &[i64], percent: usize) -> Option<i32> {
    let rank = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
    sorted.get(rank).copied().map(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[7], 95), Some(7));
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!((percentile(&hundred, 50), percentile(&hundred, 95)), (Some(50), Some(95)));
    }
}
