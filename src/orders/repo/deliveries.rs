//! What partners delivered, and which claims they gave up: sums made by the database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::calendar::{Interval, Period};
use domain::claims::ClaimStatus;
use domain::money::Currency;
use entity::{Text, claim, order, rating};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use crate::platform::calendar::start_of;

/// What a partner earned on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earned {
    /// The day's beginning, in seconds since 1970, in UTC.
    pub start: i64,
    /// Orders delivered.
    pub deliveries: i64,
    /// What they paid, minor units.
    pub payout_minor: i64,
}

/// What a partner did in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Performance {
    /// Orders delivered.
    pub deliveries: i64,
    /// From order to door, in seconds: half of them took no longer.
    pub median_seconds: Option<i64>,
    /// The scores that customers gave for them, added up.
    pub rating_sum: i64,
    /// How many scores that is.
    pub rating_count: i64,
    /// Claims that the partner gave back.
    pub released: i64,
    /// Claims whose time ran out.
    pub expired: i64,
}

/// Orders that one of `partners` delivered in `period`: an order has the time from then on only.
fn delivered(partners: &[Uuid], period: Period) -> Select<order::Entity> {
    order::Entity::find()
        .filter(order::Column::PartnerId.is_in(partners.to_vec()))
        .filter(order::Column::DeliveredAt.gte(period.from()))
        .filter(order::Column::DeliveredAt.lt(period.to()))
}

/// What `partner` earned on each day of `period` that has a delivery, oldest first. An amount of another currency than
/// `currency` cannot be added to these, and is left out.
pub(in crate::orders) async fn list_earned(
    db: &impl ConnectionTrait,
    partner: Uuid,
    period: Period,
    currency: Currency,
) -> Result<Vec<Earned>, DbErr> {
    let start = start_of(Interval::Day, "delivered_at", db.get_database_backend());
    let rows: Vec<(i64, i64, i64)> = delivered(&[partner], period)
        .filter(order::Column::Currency.eq(Text(currency)))
        .select_only()
        .expr_as(start.clone(), "start")
        .expr_as(Expr::col(order::Column::Id).count(), "deliveries")
        // PostgreSQL's sum of `bigint` is `numeric`; one that does not fit is an error, never another number
        .expr_as(Expr::cust("CAST(SUM(payout_minor) AS BIGINT)"), "payout")
        .group_by(start.clone())
        .order_by_asc(start)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|(start, deliveries, payout_minor)| Earned { start, deliveries, payout_minor }).collect())
}

/// What each of `partners` did in `period`: three statements, however many they are. Who did nothing is not among them.
pub(in crate::orders) async fn list_performance(
    db: &impl ConnectionTrait,
    partners: &[Uuid],
    period: Period,
) -> Result<HashMap<Uuid, Performance>, DbErr> {
    let mut found: HashMap<Uuid, Performance> = HashMap::new();
    for (partner, deliveries, placed, delivered) in list_medians(db, partners, period).await? {
        let entry = found.entry(partner).or_default();
        (entry.deliveries, entry.median_seconds) = (deliveries, Some((delivered - placed).num_seconds()));
    }
    for (partner, sum, count) in list_scores(db, partners, period).await? {
        let entry = found.entry(partner).or_default();
        (entry.rating_sum, entry.rating_count) = (sum, count);
    }
    for (partner, status, count) in count_given_up(db, partners, period).await? {
        let entry = found.entry(partner).or_default();
        match *status {
            ClaimStatus::Released => entry.released = count,
            _ => entry.expired = count,
        }
    }
    Ok(found)
}

/// For each partner: how many orders they delivered, and when the one in the middle was placed and delivered.
async fn list_medians(
    db: &impl ConnectionTrait,
    partners: &[Uuid],
    period: Period,
) -> Result<Vec<(Uuid, i64, DateTime<Utc>, DateTime<Utc>)>, DbErr> {
    let took = match db.get_database_backend() {
        DbBackend::Postgres => "delivered_at - created_at",
        _ => "julianday(delivered_at) - julianday(created_at)",
    };
    let delivered = delivered(partners, period)
        .select_only()
        .columns([order::Column::PartnerId, order::Column::CreatedAt, order::Column::DeliveredAt])
        .expr_as(Expr::cust(format!("row_number() OVER (PARTITION BY partner_id ORDER BY {took}, id)")), "place")
        .expr_as(Expr::cust("count(*) OVER (PARTITION BY partner_id)"), "deliveries")
        .into_query();
    let median = Query::select()
        .columns(["partner_id", "deliveries", "created_at", "delivered_at"].map(Alias::new))
        .from_subquery(delivered, Alias::new("delivered"))
        // the nearest rank
        .and_where(Expr::cust("place = (deliveries + 1) / 2"))
        .to_owned();
    let rows = db.query_all(&median).await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get("", "partner_id")?,
                row.try_get("", "deliveries")?,
                row.try_get("", "created_at")?,
                row.try_get("", "delivered_at")?,
            ))
        })
        .collect()
}

/// For each partner: the sum of the scores for what they delivered, and how many there are.
async fn list_scores(db: &impl ConnectionTrait, partners: &[Uuid], period: Period) -> Result<Vec<(Uuid, i64, i64)>, DbErr> {
    let mut scores = delivered(partners, period)
        .select_only()
        .column(order::Column::PartnerId)
        .expr_as(Expr::cust("CAST(SUM(ratings.score) AS BIGINT)"), "sum")
        .expr_as(Expr::cust("count(*)"), "count")
        .group_by(order::Column::PartnerId);
    let is_its_order = Expr::col((rating::Entity, rating::Column::OrderId)).equals((order::Entity, order::Column::Id));
    QuerySelect::query(&mut scores).inner_join(rating::Entity, is_its_order);
    scores.into_tuple().all(db).await
}

/// For each partner: how many claims they gave back, and of how many the time ran out.
async fn count_given_up(
    db: &impl ConnectionTrait,
    partners: &[Uuid],
    period: Period,
) -> Result<Vec<(Uuid, Text<ClaimStatus>, i64)>, DbErr> {
    claim::Entity::find()
        .select_only()
        .column(claim::Column::PartnerId)
        .column(claim::Column::Status)
        .expr_as(Expr::cust("count(*)"), "count")
        .filter(claim::Column::PartnerId.is_in(partners.to_vec()))
        .filter(claim::Column::EndedAt.gte(period.from()))
        .filter(claim::Column::EndedAt.lt(period.to()))
        .filter(claim::Column::Status.is_in([ClaimStatus::Released, ClaimStatus::Expired].map(Text)))
        .group_by(claim::Column::PartnerId)
        .group_by(claim::Column::Status)
        .into_tuple()
        .all(db)
        .await
}
