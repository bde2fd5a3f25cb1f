//! What was sold in a period, of a seller or of all: from the same rows as the orders, to the last minor unit.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, Utc};
use domain::calendar::Interval;
use domain::error::Rejection;
use uuid::Uuid;

use crate::app::App;
use crate::catalog::service as catalog;
use crate::orders::service::sales as orders;
pub use crate::orders::service::sales::SoldOf;
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
        let sold = orders::list_sales(app.db.reader(), &self.filter, self.interval).await?;
        let overflow = || Error::fault("adding up sales", "they come to more than can be said");
        let add = |sum: i64, more: i64| sum.checked_add(more).ok_or_else(overflow);
        let (mut orders, mut total_minor) = (0, 0);
        for interval in &sold {
            (orders, total_minor) = (add(orders, interval.orders)?, add(total_minor, interval.total_minor)?);
        }
        let by_start: HashMap<i64, &orders::Sold> = sold.iter().map(|sold| (sold.start, sold)).collect();
        let bucket = |start: &DateTime<Utc>| match by_start.get(&start.timestamp()) {
            Some(sold) => Bucket { start: *start, orders: sold.orders, total_minor: sold.total_minor },
            None => Bucket { start: *start, orders: 0, total_minor: 0 },
        };
        Ok(Totals { orders, total_minor, buckets: self.starts.iter().map(bucket).collect() })
    }

    /// The `limit` products that sold for most, that first: one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn top_products(&self, app: &App, limit: u64) -> Result<Vec<SoldOf>> {
        orders::list_top_products(app.db.reader(), &self.filter, limit).await
    }

    /// What sold in each category, most first: one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_category(&self, app: &App) -> Result<Vec<SoldOf>> {
        orders::list_sales_by_group(app.db.reader(), &self.filter, catalog::products_by_category()).await
    }
}
