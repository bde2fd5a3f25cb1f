//! What was sold, for reports.

use domain::calendar::Interval;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::SelectStatement;

use crate::orders::repo::sales as repo;
pub use crate::orders::repo::sales::{SalesFilter, Sold, SoldOf};
use crate::platform::Result;

/// Orders and their totals in each interval that has any, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_sales(db: &impl ConnectionTrait, filter: &SalesFilter, interval: Interval) -> Result<Vec<Sold>> {
    Ok(repo::list_sales(db, filter, interval).await?)
}

/// The `limit` products whose lines come to most, that first.
///
/// # Errors
/// When the database fails.
pub async fn list_top_products(db: &impl ConnectionTrait, filter: &SalesFilter, limit: u64) -> Result<Vec<SoldOf>> {
    Ok(repo::list_top_products(db, filter, limit).await?)
}

/// What sold of each group of products, most first. `groups` says which product is in which: how a slice that knows of
/// groups has them summed without its tables being known here.
///
/// # Errors
/// When the database fails.
pub async fn list_sales_by_group(
    db: &impl ConnectionTrait,
    filter: &SalesFilter,
    groups: SelectStatement,
) -> Result<Vec<SoldOf>> {
    Ok(repo::list_sales_by_group(db, filter, groups).await?)
}
