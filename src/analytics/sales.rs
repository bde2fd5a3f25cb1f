//! What was sold in a period, of a seller or of all, to the last minor unit of what the orders say.
//!
//! Whole hours are read from the sums that `rollups` keeps, the parts of hours at both ends from the orders. Orders with
//! changes that are not counted yet are taken out of the sums as they were counted, and added as they are: all in one
//! statement, which sees one moment. So nothing is missing from an answer, however far behind the counting is.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, Utc};
use domain::calendar::Interval;
use domain::error::Rejection;
use domain::order::OrderStatus;
use sea_orm::DbBackend;
use sea_orm::sea_query::SelectStatement;
use uuid::Uuid;

pub use super::repo::SoldOf;
use super::{repo, rollups};

use crate::app::App;
use crate::catalog::service as catalog;
use crate::orders::event::ORDER_CHANGED;
use crate::orders::service::sales as orders;
use crate::platform::consumers;
use crate::platform::{Error, Result};

/// The most intervals of one report.
pub const MAX_BUCKETS: usize = 1_000;

/// A report that was asked for, within every limit. Nothing is read yet.
#[derive(Debug, Clone)]
pub struct Report {
    filter: orders::SalesFilter,
    interval: Interval,
    starts: Vec<DateTime<Utc>>,
}

/// All orders of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub orders: i64,
    /// What they come to, minor units.
    pub total_minor: i64,
    /// What of that went back, minor units.
    pub refunded_minor: i64,
    /// The same in each interval, also where nothing was sold, oldest first.
    pub buckets: Vec<Bucket>,
}

/// What was sold in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// When the interval begins.
    pub start: DateTime<Utc>,
    /// Orders.
    pub orders: i64,
    /// What they come to, minor units.
    pub total_minor: i64,
    /// What of that went back, minor units.
    pub refunded_minor: i64,
}

impl Report {
    /// A report on what was sold `from` then `to` (not included), of `seller` or of all.
    ///
    /// # Errors
    /// A [`Rejection`] at `from`, `to` or `interval`.
    pub fn new(
        app: &App,
        seller: Option<Uuid>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        interval: Interval,
    ) -> Result<Self, Rejection> {
        for (field, at) in [("from", from), ("to", to)] {
            // the type knows more years than a database does
            if !(0..=9999).contains(&at.year()) {
                return Err(Rejection::invalid(field, "Must be in the years 0 to 9999."));
            }
        }
        if from >= to {
            return Err(Rejection::invalid("to", "Must be after `from`."));
        }
        let starts = interval.starts(from, to, MAX_BUCKETS).ok_or_else(|| {
            let message = format!("The period has more than {MAX_BUCKETS} of them: take longer ones, or a shorter period.");
            Rejection::invalid("interval", message)
        })?;
        let filter = orders::SalesFilter { seller, from, to, currency: app.config.currency };
        Ok(Self { filter, interval, starts })
    }

    /// All orders, and those of each interval: one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totals(&self, app: &App) -> Result<Totals> {
        let sold = repo::sum_intervals(app.db.reader(), self.orders(app.db.backend())).await?;
        let overflow = || Error::fault("adding up sales", "they come to more than can be said");
        let add = |sum: i64, more: i64| sum.checked_add(more).ok_or_else(overflow);
        let (mut orders, mut total_minor, mut refunded_minor) = (0, 0, 0);
        for interval in &sold {
            (orders, total_minor) = (add(orders, interval.orders)?, add(total_minor, interval.total_minor)?);
            refunded_minor = add(refunded_minor, interval.refunded_minor)?;
        }
        let by_start: HashMap<i64, &repo::Sold> = sold.iter().map(|sold| (sold.start, sold)).collect();
        let bucket = |start: &DateTime<Utc>| match by_start.get(&start.timestamp()) {
            Some(&&repo::Sold { orders, total_minor, refunded_minor, .. }) => {
                Bucket { start: *start, orders, total_minor, refunded_minor }
            }
            None => Bucket { start: *start, orders: 0, total_minor: 0, refunded_minor: 0 },
        };
        Ok(Totals { orders, total_minor, refunded_minor, buckets: self.starts.iter().map(bucket).collect() })
    }

    /// The `limit` products that sold for most, that first: one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn top_products(&self, app: &App, limit: u64) -> Result<Vec<SoldOf>> {
        Ok(repo::sum_products(app.db.reader(), self.lines(app.db.backend()), limit).await?)
    }

    /// What sold in each category, most first: one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_category(&self, app: &App) -> Result<Vec<SoldOf>> {
        let groups = catalog::products_by_category();
        Ok(repo::sum_groups(app.db.reader(), self.lines(app.db.backend()), groups).await?)
    }

    /// The whole hours of the period, if there are any, and what is left of it at its ends.
    fn hours(&self) -> (Option<orders::SalesFilter>, Vec<orders::SalesFilter>) {
        let orders::SalesFilter { from, to, .. } = self.filter;
        let (hour, end) = (Interval::Hour.start(from), Interval::Hour.start(to));
        let begin = if hour == from { Some(hour) } else { Interval::Hour.next(hour) };
        let Some(begin) = begin.filter(|begin| *begin < end) else { return (None, vec![self.filter]) };
        let part = |from, to| orders::SalesFilter { from, to, ..self.filter };
        let ends = [part(from, begin), part(end, to)].into_iter().filter(|end| end.from < end.to);
        (Some(part(begin, end)), ends.collect())
    }

    /// The orders, as parts that add up to them.
    fn orders(&self, backend: DbBackend) -> Vec<SelectStatement> {
        let (whole, ends) = self.hours();
        let mut parts = Vec::new();
        if let Some(whole) = &whole {
            let hours = &sums_of(whole);
            parts.push(repo::select_hours(hours, self.interval, backend));
            parts.push(repo::select_counted(hours, uncounted(backend), self.interval, backend));
            parts.push(orders::select_orders(whole, Some(uncounted(backend)), self.interval, backend));
        }
        parts.extend(ends.iter().map(|end| orders::select_orders(end, None, self.interval, backend)));
        parts
    }

    /// Their lines, likewise.
    fn lines(&self, backend: DbBackend) -> Vec<SelectStatement> {
        let (whole, ends) = self.hours();
        let mut parts = Vec::new();
        if let Some(whole) = &whole {
            let hours = &sums_of(whole);
            let counted = repo::select_counted_ids(hours, uncounted(backend));
            parts.push(repo::select_products(hours));
            parts.push(repo::negative(orders::select_lines_of(counted)));
            parts.push(orders::select_lines(whole, Some(uncounted(backend))));
        }
        parts.extend(ends.iter().map(|end| orders::select_lines(end, None)));
        parts
    }
}

/// The sums of whole hours.
fn sums_of(whole: &orders::SalesFilter) -> repo::Hours {
    let orders::SalesFilter { seller, from, to, currency } = *whole;
    repo::Hours { seller, from: from.timestamp(), to: to.timestamp(), currency }
}

/// How many orders are in each state, of those in which any are or were: one statement, at the cost of what is not counted yet,
/// however many orders there are.
///
/// # Errors
/// When the database fails.
pub async fn count_by_status(app: &App) -> Result<Vec<(OrderStatus, i64)>> {
    let backend = app.db.backend();
    Ok(repo::sum_states(app.db.reader(), uncounted(backend), orders::select_states(uncounted(backend))).await?)
}

/// The ids of the orders with changes that are not counted yet.
fn uncounted(backend: DbBackend) -> SelectStatement {
    consumers::select_untaken(rollups::CONSUMER, ORDER_CHANGED, ["order", "id"], backend)
}
