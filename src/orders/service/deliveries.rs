//! What partners delivered and earned, for their desk and for reports.

use std::collections::HashMap;

use domain::calendar::Period;
use domain::money::Currency;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::orders::repo::deliveries as repo;
pub use crate::orders::repo::deliveries::{Earned, Performance};
use crate::platform::Result;

/// What `partner` earned on each day of `period` that has a delivery, oldest first: one statement. What was paid in another
/// currency than `currency` is left out.
///
/// # Errors
/// When the database fails.
pub async fn list_earned(
    db: &impl ConnectionTrait,
    partner: Uuid,
    period: Period,
    currency: Currency,
) -> Result<Vec<Earned>> {
    Ok(repo::list_earned(db, partner, period, currency).await?)
}

/// What each of `partners` did in `period`, of those who did anything: three statements, however many they are.
///
/// # Errors
/// When the database fails.
pub async fn list_performance(
    db: &impl ConnectionTrait,
    partners: &[Uuid],
    period: Period,
) -> Result<HashMap<Uuid, Performance>> {
    Ok(repo::list_performance(db, partners, period).await?)
}
