//! Lists of orders, their events, and claims.

use chrono::{DateTime, Utc};
use domain::Named as _;
use domain::area::{Cover, Grain};
use domain::claims::ClaimStatus;
use domain::geo::{Circle, KM_PER_DEGREE};
use domain::money::Currency;
use domain::order::OrderStatus;
use entity::{Text, claim, order, order_event};
use sea_orm::sea_query::{CaseStatement, Expr, Func};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    Select, Value,
};
use serde::Serialize;
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::page::{Key, Keys, Page, PageArgs, Sort, Span, fetch, fetch_by, veiled};
use crate::platform::sweep::is_not_aside;

/// Which orders; all of them unless narrowed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OrderFilter {
    /// In one of these states.
    pub status: Option<Vec<OrderStatus>>,
    /// Of this customer.
    pub customer: Option<Uuid>,
    /// Carried by this partner.
    pub partner: Option<Uuid>,
    /// Of this seller.
    pub seller: Option<Uuid>,
    /// Placed then or later.
    pub placed_from: Option<DateTime<Utc>>,
    /// Placed before then.
    pub placed_to: Option<DateTime<Utc>>,
    /// Whose number begins like this.
    pub search: Option<String>,
    /// Without (or with) a partner while one is needed.
    pub unassigned: Option<bool>,
}

/// How a list of orders is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum OrderSort {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
    /// Dearest first.
    TotalDesc,
    /// Changed last first.
    Updated,
}

pub(in crate::orders) fn select(filter: &OrderFilter) -> Select<order::Entity> {
    let mut select = order::Entity::find();
    let equals = [
        (order::Column::CustomerId, filter.customer),
        (order::Column::PartnerId, filter.partner),
        (order::Column::SellerId, filter.seller),
    ];
    for (column, value) in equals {
        if let Some(value) = value {
            select = select.filter(column.eq(value));
        }
    }
    if let Some(status) = &filter.status {
        select = select.filter(order::Column::Status.is_in(status.iter().map(|s| Text(*s))));
    }
    if let Some(from) = filter.placed_from {
        select = select.filter(order::Column::CreatedAt.gte(from));
    }
    if let Some(to) = filter.placed_to {
        select = select.filter(order::Column::CreatedAt.lt(to));
    }
    if let Some(search) = &filter.search {
        // numbers are letters, digits and dashes: whatever else is searched for is in none
        let number = search.trim().to_uppercase();
        let may_be = number.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        select = if may_be {
            select.filter(order::Column::Number.starts_with(number))
        } else {
            select.filter(order::Column::Id.is_in([] as [Uuid; 0]))
        };
    }
    match filter.unassigned {
        Some(true) => select.filter(offered()),
        Some(false) => select.filter(order::Column::PartnerId.is_not_null()),
        None => select,
    }
}

/// Orders that partners may claim.
pub(in crate::orders) fn offered() -> Condition {
    offered_by(Expr::col((order::Entity, order::Column::Status)))
}

/// The same, where `status` is how the column is spelt.
fn offered_by(status: Expr) -> Condition {
    // in words, not as a parameter: SQLite would not see that it is the condition of the partial indexes
    let ready = Expr::cust(format!("'{}'", OrderStatus::Ready));
    Condition::all().add(status.eq(ready)).add(order::Column::ClaimId.is_null())
}

fn micros(at: DateTime<Utc>) -> Key {
    Key::Number(at.timestamp_micros())
}

fn at(key: &Key) -> Option<Value> {
    key.time().map(Value::from)
}

pub(in crate::orders) async fn list_orders(
    db: &impl ConnectionTrait,
    filter: &OrderFilter,
    sort: OrderSort,
    args: &PageArgs,
) -> Result<Page<order::Model>> {
    let by = |column, is_descending| Sort { column, id: order::Column::Id, is_descending };
    let select = select(filter);
    match sort {
        // ids are UUIDv7: by id is by age
        OrderSort::Newest => fetch(select, args, by(None, true), db, |o: &order::Model| (None, o.id), |_| None).await,
        OrderSort::Oldest => fetch(select, args, by(None, false), db, |o: &order::Model| (None, o.id), |_| None).await,
        OrderSort::TotalDesc => {
            let key = |o: &order::Model| (Some(Key::Number(o.total_minor)), o.id);
            let value = |key: &Key| match key {
                Key::Number(minor) => Some(Value::from(*minor)),
                Key::Numbers(_) | Key::Text(_) => None,
            };
            fetch(select, args, by(Some(order::Column::TotalMinor), true), db, key, value).await
        }
        OrderSort::Updated => {
            let key = |o: &order::Model| (Some(micros(o.updated_at)), o.id);
            fetch(select, args, by(Some(order::Column::UpdatedAt), true), db, key, at).await
        }
    }
}

/// Orders that partners may claim, to be picked up within `circle` if one is given.
pub(in crate::orders) fn offered_within(circle: Option<Circle>, backend: DbBackend) -> Condition {
    let Some(circle) = circle else { return offered() };
    let near = match Cover::of(&circle) {
        Some(Cover { grain, cells }) => {
            let column = match grain {
                Grain::Fine => order::Column::PickupCell,
                Grain::Wide => order::Column::PickupRegion,
            };
            // those of which it is not known are looked at as well
            // as the indexes on the cells have it: SQLite would go by one on the status
            let offered = if backend == DbBackend::Sqlite { offered_by(veiled(order::Column::Status)) } else { offered() };
            offered.add(column.is_in(std::iter::once(0).chain(cells.into_iter().map(u64::cast_signed))))
        }
        None => offered(),
    };
    let square = |degrees: Expr, km_per_degree: f64| {
        let km = || degrees.clone().mul(km_per_degree);
        km().mul(km())
    };
    let north = square(Expr::col(order::Column::PickupLatitude).sub(circle.centre.latitude), KM_PER_DEGREE);
    let east = Expr::col(order::Column::PickupLongitude).sub(circle.centre.longitude);
    let east = if circle.crosses_antimeridian() {
        // the shorter way round
        let degrees = Expr::from(Func::abs(east));
        let other_way = Expr::value(360.0).sub(degrees.clone());
        CaseStatement::new().case(degrees.clone().gt(180.0), other_way).finally(degrees).into()
    } else {
        east
    };
    let east = square(east, circle.km_per_degree_east());
    near.add(north.add(east).lte(circle.radius_km * circle.radius_km))
}

/// Waiting longest first. Around a point they are looked for by where they are, and sorted.
fn waiting(circle: Option<Circle>) -> Keys {
    let sort = Sort { column: Some(order::Column::ReadyAt), id: order::Column::Id, is_descending: false };
    if circle.is_some() { Keys::by_sorting(sort) } else { Keys::by_index(sort) }
}

/// Orders that partners may claim, waiting longest first.
pub(in crate::orders) async fn list_offered(
    db: &impl ConnectionTrait,
    circle: Option<Circle>,
    args: &PageArgs,
) -> Result<Page<order::Model>> {
    let key = |o: &order::Model| (o.ready_at.map(micros), o.id);
    let select = order::Entity::find().filter(offered_within(circle, db.get_database_backend()));
    fetch_by(select, args, &waiting(circle), db, key, at).await
}

/// The first `limit` of them.
pub(in crate::orders) async fn list_first_offered(
    db: &impl ConnectionTrait,
    circle: Option<Circle>,
    limit: u64,
) -> std::result::Result<Vec<order::Model>, DbErr> {
    let span = Span { limit, ..Span::default() };
    let select = order::Entity::find().filter(offered_within(circle, db.get_database_backend()));
    span.of(select, &waiting(circle)).all(db).await
}

/// Orders that are not finished, newest first.
pub(in crate::orders) async fn list_open(
    db: &impl ConnectionTrait,
    filter: &OrderFilter,
    limit: u64,
) -> std::result::Result<Vec<order::Model>, DbErr> {
    let done = OrderStatus::ALL.iter().copied().filter(|status| status.is_final());
    select(filter)
        .filter(order::Column::Status.is_not_in(done.map(Text)))
        .order_by_desc(order::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// Orders whose claim's time is up, longest first.
pub(in crate::orders) async fn list_due(
    db: &impl ConnectionTrait,
    sweep: &str,
    now: Expr,
    limit: u64,
) -> std::result::Result<Vec<Uuid>, DbErr> {
    order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .filter(order::Column::ClaimExpiresAt.is_not_null())
        .filter(Expr::col(order::Column::ClaimExpiresAt).lte(now))
        .filter(is_not_aside(sweep, (order::Entity, order::Column::Id), db.get_database_backend()))
        .order_by_asc(order::Column::ClaimExpiresAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// Orders whose time to be paid is up.
pub(in crate::orders) async fn list_unpaid(
    db: &impl ConnectionTrait,
    sweep: &str,
    now: Expr,
    limit: u64,
) -> std::result::Result<Vec<Uuid>, DbErr> {
    order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .filter(order::Column::PaymentDueAt.is_not_null())
        .filter(Expr::col(order::Column::PaymentDueAt).lte(now.clone()))
        // those that wait for a provider's word are in nobody's way
        .filter(
            Condition::any()
                .add(order::Column::PaymentAskedUntil.is_null())
                .add(Expr::col(order::Column::PaymentAskedUntil).lte(now)),
        )
        .filter(is_not_aside(sweep, (order::Entity, order::Column::Id), db.get_database_backend()))
        .order_by_asc(order::Column::PaymentDueAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// An order's timeline, oldest first.
pub(in crate::orders) async fn list_events(
    db: &impl ConnectionTrait,
    order: Uuid,
    args: &PageArgs,
) -> Result<Page<order_event::Model>> {
    let select = order_event::Entity::find().filter(order_event::Column::OrderId.eq(order));
    let sort = Sort { column: Some(order_event::Column::OrderVersion), id: order_event::Column::Id, is_descending: false };
    let value = |key: &Key| match key {
        Key::Number(version) => i32::try_from(*version).ok().map(Value::from),
        Key::Numbers(_) | Key::Text(_) => None,
    };
    fetch(select, args, sort, db, event_key, value).await
}

/// What an order's timeline is sorted by.
#[must_use]
pub fn event_key(event: &order_event::Model) -> (Option<Key>, Uuid) {
    (Some(Key::Number(event.order_version.into())), event.id)
}

/// The first `limit` events of each of `orders`: versions count from one.
pub(in crate::orders) async fn list_first_events(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
    limit: u64,
) -> std::result::Result<Vec<order_event::Model>, DbErr> {
    order_event::Entity::find()
        .filter(order_event::Column::OrderId.is_in(orders.to_vec()))
        .filter(order_event::Column::OrderVersion.lte(i32::try_from(limit).unwrap_or(i32::MAX)))
        .order_by_asc(order_event::Column::OrderVersion)
        .all(db)
        .await
}

/// A partner's claims, newest first.
pub(in crate::orders) async fn list_claims_of(
    db: &impl ConnectionTrait,
    partner: Uuid,
    status: Option<&[ClaimStatus]>,
    args: &PageArgs,
) -> Result<Page<claim::Model>> {
    let mut select = claim::Entity::find().filter(claim::Column::PartnerId.eq(partner));
    if let Some(status) = status {
        select = select.filter(claim::Column::Status.is_in(status.iter().map(|s| Text(*s))));
    }
    let sort = Sort { column: None, id: claim::Column::Id, is_descending: true };
    fetch(select, args, sort, db, |c: &claim::Model| (None, c.id), |_| None).await
}

/// Orders placed since `from` that were not called off, and the sum of those that are sales in `currency`.
pub(in crate::orders) async fn sum_since(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    currency: Currency,
) -> std::result::Result<(i64, i64), DbErr> {
    let others = OrderStatus::ALL.iter().copied().filter(|status| !status.is_sale());
    let is_sale = order::Column::Status.is_not_in(others.map(Text)).and(order::Column::Currency.eq(Text(currency)));
    let sold: Expr = CaseStatement::new().case(is_sale, Expr::col(order::Column::TotalMinor)).into();
    let sums: Option<(i64, Option<i64>)> = order::Entity::find()
        .select_only()
        .expr_as(Expr::col(order::Column::Id).count(), "count")
        .expr_as(Expr::from(Func::sum(sold)).cast_as("bigint"), "total")
        .filter(order::Column::CreatedAt.gte(from))
        .filter(order::Column::Status.is_not_in([OrderStatus::Cancelled, OrderStatus::Failed].map(Text)))
        .into_tuple()
        .one(db)
        .await?;
    Ok(sums.map_or((0, 0), |(count, total)| (count, total.unwrap_or(0))))
}

/// When orders that were delivered since `from` were placed and delivered, newest first.
pub(in crate::orders) async fn list_delivery_times(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    limit: u64,
) -> std::result::Result<Vec<(DateTime<Utc>, DateTime<Utc>)>, DbErr> {
    order::Entity::find()
        .select_only()
        .column(order::Column::CreatedAt)
        .column(order::Column::DeliveredAt)
        .filter(order::Column::DeliveredAt.gte(from))
        .order_by_desc(order::Column::DeliveredAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}
