//! What a partner earned: from the same rows as the orders, to the last minor unit.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::calendar::Period;
use uuid::Uuid;

use crate::app::App;
use crate::orders::service::deliveries as orders;
use crate::platform::{Error, Result};

/// What a partner earned in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earnings {
    /// Orders delivered.
    pub deliveries: i64,
    /// What they paid, minor units.
    pub total_minor: i64,
    /// The same on each day, also where nothing was delivered, oldest first.
    pub days: Vec<Day>,
}

/// What a partner earned on one day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: NaiveDate,
    /// Orders delivered.
    pub deliveries: i64,
    /// What they paid, minor units.
    pub total_minor: i64,
}

/// What `partner` earned in `period`, whose days begin at `starts`: one statement.
///
/// # Errors
/// When the database fails.
pub async fn read(app: &App, partner: Uuid, period: Period, starts: &[DateTime<Utc>]) -> Result<Earnings> {
    let earned = orders::list_earned(app.db.reader(), partner, period, app.config.currency).await?;
    let add = |sum: i64, more: i64| {
        sum.checked_add(more).ok_or_else(|| Error::fault("adding up earnings", "they come to more than can be said"))
    };
    let (mut deliveries, mut total_minor) = (0, 0);
    for day in &earned {
        (deliveries, total_minor) = (add(deliveries, day.deliveries)?, add(total_minor, day.payout_minor)?);
    }
    let by_start: HashMap<i64, &orders::Earned> = earned.iter().map(|day| (day.start, day)).collect();
    let day = |start: &DateTime<Utc>| {
        let earned = by_start.get(&start.timestamp());
        let (deliveries, total_minor) = earned.map_or((0, 0), |day| (day.deliveries, day.payout_minor));
        Day { date: start.date_naive(), deliveries, total_minor }
    };
    Ok(Earnings { deliveries, total_minor, days: starts.iter().map(day).collect() })
}
