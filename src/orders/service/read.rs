//! Reading orders.

use chrono::{DateTime, Utc};
use domain::claims::ClaimStatus;
use domain::geo::Circle;
use domain::money::Currency;
use entity::{claim, order, order_event, order_item, rating};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

pub use crate::orders::repo::lists::{OrderFilter, OrderSort, event_key};
use crate::orders::repo::{claims, lists, orders, ratings};
use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::page::{self, Page, PageArgs};

/// The order `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_order(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<order::Model>> {
    Ok(orders::find_order(db, id).await?)
}

/// When `order` came to where it is, last of all.
///
/// # Errors
/// When the database fails.
pub async fn find_arrival(db: &impl ConnectionTrait, order: &order::Model) -> Result<Option<DateTime<Utc>>> {
    Ok(orders::find_last(db, order.id, order.status.arrival()).await?)
}

/// The order `id`, which nobody else changes until `tx` ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_order(tx: &Tx, id: Uuid) -> Result<Option<order::Model>> {
    Ok(orders::lock_order(&**tx, id).await?)
}

/// The orders `ids`.
///
/// # Errors
/// When the database fails.
pub async fn list_orders_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<order::Model>> {
    Ok(orders::list_orders_by_ids(db, ids).await?)
}

/// A page of the orders that `filter` lets through.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_orders(
    db: &impl ConnectionTrait,
    filter: &OrderFilter,
    sort: OrderSort,
    args: &PageArgs,
) -> Result<Page<order::Model>> {
    lists::list_orders(db, filter, sort, args).await
}

/// How many there are, up to a limit.
///
/// # Errors
/// When the database fails.
pub async fn count_orders(db: &impl ConnectionTrait, filter: &OrderFilter) -> Result<(i32, bool)> {
    page::count(lists::select(filter), db).await
}

/// A page of the orders that partners may claim within `circle`, waiting longest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_offered(db: &impl ConnectionTrait, circle: Option<Circle>, args: &PageArgs) -> Result<Page<order::Model>> {
    lists::list_offered(db, circle, args).await
}

/// The first `limit` of them.
///
/// # Errors
/// When the database fails.
pub async fn list_first_offered(db: &impl ConnectionTrait, circle: Option<Circle>, limit: u64) -> Result<Vec<order::Model>> {
    Ok(lists::list_first_offered(db, circle, limit).await?)
}

/// How many there are, up to a limit.
///
/// # Errors
/// When the database fails.
pub async fn count_offered(db: &impl ConnectionTrait, circle: Option<Circle>) -> Result<(i32, bool)> {
    page::count(order::Entity::find().filter(lists::offered_within(circle, db.get_database_backend())), db).await
}

/// Orders that are not finished, newest first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list_open(db: &impl ConnectionTrait, filter: &OrderFilter, limit: u64) -> Result<Vec<order::Model>> {
    Ok(lists::list_open(db, filter, limit).await?)
}

/// Orders whose claim's time is up at `now`, longest first.
///
/// # Errors
/// When the database fails.
pub async fn list_due(db: &impl ConnectionTrait, sweep: &str, now: Expr, limit: u64) -> Result<Vec<Uuid>> {
    Ok(lists::list_due(db, sweep, now, limit).await?)
}

/// The lines of `orders`.
///
/// # Errors
/// When the database fails.
pub async fn list_items(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<order_item::Model>> {
    Ok(orders::list_items(db, ids).await?)
}

/// A page of an order's timeline, oldest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_events(db: &impl ConnectionTrait, order: Uuid, args: &PageArgs) -> Result<Page<order_event::Model>> {
    lists::list_events(db, order, args).await
}

/// The first `limit` events of each of `orders`, oldest first: one statement.
///
/// # Errors
/// When the database fails.
pub async fn list_first_events(db: &impl ConnectionTrait, ids: &[Uuid], limit: u64) -> Result<Vec<order_event::Model>> {
    Ok(lists::list_first_events(db, ids, limit).await?)
}

/// The claim `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_claim(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<claim::Model>> {
    Ok(claims::find_claim(db, id).await?)
}

/// The claims `ids`.
///
/// # Errors
/// When the database fails.
pub async fn list_claims(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<claim::Model>> {
    Ok(claims::list_claims(db, ids).await?)
}

/// The claims that changes of orders ended, each given by its order and time: one statement. Of one change it is one at the most.
///
/// # Errors
/// When the database fails.
pub async fn list_claims_ended(db: &impl ConnectionTrait, ends: &[(Uuid, DateTime<Utc>)]) -> Result<Vec<claim::Model>> {
    Ok(claims::list_ended(db, ends).await?)
}

/// A page of a partner's claims, newest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_claims_of(
    db: &impl ConnectionTrait,
    partner: Uuid,
    status: Option<&[ClaimStatus]>,
    args: &PageArgs,
) -> Result<Page<claim::Model>> {
    lists::list_claims_of(db, partner, status, args).await
}

/// Orders placed since `from` that were not called off: how many, and the sum of those that are sales in `currency`, in minor units.
///
/// # Errors
/// When the database fails.
pub async fn sum_since(db: &impl ConnectionTrait, from: DateTime<Utc>, currency: Currency) -> Result<(i64, i64)> {
    Ok(lists::sum_since(db, from, currency).await?)
}

/// When orders that were delivered since `from` were placed and delivered, newest first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list_delivery_times(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    Ok(lists::list_delivery_times(db, from, limit).await?)
}

/// The ratings of `ids`, of those that have one.
///
/// # Errors
/// When the database fails.
pub async fn list_ratings(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<rating::Model>> {
    Ok(ratings::list_ratings(db, ids).await?)
}

/// The lines `ids` of orders.
///
/// # Errors
/// When the database fails.
pub async fn list_items_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<order_item::Model>> {
    Ok(orders::list_items_by_ids(db, ids).await?)
}

/// The entries `ids` of timelines.
///
/// # Errors
/// When the database fails.
pub async fn list_events_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<order_event::Model>> {
    Ok(orders::list_events_by_ids(db, ids).await?)
}
