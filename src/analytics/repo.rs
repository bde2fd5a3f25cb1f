//! The only file that names the tables of sums.

use domain::calendar::Interval;
use domain::money::Currency;
use domain::order::OrderStatus;
use entity::{Text, order_count, sales_hour, sales_hour_product, sales_order};
use sea_orm::sea_query::{Alias, Expr, IntoColumnRef, JoinType, OnConflict, Order, Query, SelectStatement, UnionType};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait as _, IntoActiveModel, QueryResult};
use uuid::Uuid;

use crate::platform::calendar::start_of;

/// Which sums: those of whole hours, in one currency, of one seller or of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hours {
    /// Only of this seller.
    pub(super) seller: Option<Uuid>,
    /// When the first begins, in seconds since 1970.
    pub(super) from: i64,
    /// When the last ends.
    pub(super) to: i64,
    /// Amounts of another currency cannot be added to these.
    pub(super) currency: Currency,
}

/// What was sold within one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sold {
    /// When the interval begins, in seconds since 1970.
    pub(super) start: i64,
    /// Orders.
    pub(super) orders: i64,
    /// Their totals, minor units.
    pub(super) total_minor: i64,
    /// What of these went back, minor units.
    pub(super) refunded_minor: i64,
}

/// What was sold of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoldOf {
    /// Of what.
    pub id: Uuid,
    /// Pieces.
    pub quantity: i64,
    /// The lines' totals, minor units.
    pub total_minor: i64,
}

/// Writes down those of `rows` that are of a later version than is known; those of them of which something is to be added or taken out,
/// or counted otherwise.
pub(super) async fn take_versions(
    db: &impl ConnectionTrait,
    rows: Vec<sales_order::Model>,
) -> Result<Vec<sales_order::Model>, DbErr> {
    use sales_order::Column::{IsCounted, OrderId, RefundedMinor, Status, Version, WasCounted, WasRefundedMinor, WasStatus};

    let is_later = Expr::col((Alias::new("excluded"), Version)).gt(Expr::col((sales_order::Entity, Version)));
    let newer = OnConflict::column(OrderId)
        .value(WasCounted, Expr::col((sales_order::Entity, IsCounted)))
        .value(WasRefundedMinor, Expr::col((sales_order::Entity, RefundedMinor)))
        .value(WasStatus, Expr::col((sales_order::Entity, Status)))
        .update_columns([Version, Status, IsCounted, RefundedMinor])
        .action_and_where(is_later)
        .to_owned();
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    let taken = sales_order::Entity::insert_many(rows).on_conflict(newer).exec_with_returning(db).await?;
    let is_other = |row: &sales_order::Model| {
        let is_refunded = row.is_counted && row.refunded_minor != row.was_refunded_minor;
        row.was_status != Some(row.status) || row.is_counted != row.was_counted || is_refunded
    };
    Ok(taken.into_iter().filter(is_other).collect())
}

/// Adds to how many orders are in each state.
pub(super) async fn add_counts(db: &impl ConnectionTrait, rows: Vec<order_count::Model>) -> Result<(), DbErr> {
    use order_count::Column::{Orders, Status};

    if rows.is_empty() {
        return Ok(());
    }
    let sum = Expr::col((order_count::Entity, Orders)).add(Expr::col((Alias::new("excluded"), Orders)));
    let add = OnConflict::column(Status).value(Orders, sum).to_owned();
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    order_count::Entity::insert_many(rows).on_conflict(add).exec_without_returning(db).await?;
    Ok(())
}

/// How many orders are in each state: those that are counted, without the orders `uncounted`, which are taken from `now`, a row each.
pub(super) async fn sum_states(
    db: &impl ConnectionTrait,
    uncounted: SelectStatement,
    now: SelectStatement,
) -> Result<Vec<(OrderStatus, i64)>, DbErr> {
    let counts = Query::select().column("status").column("orders").from(order_count::Entity).to_owned();
    let counted = Query::select()
        .column("status")
        .expr_as(Expr::cust("-1"), "orders")
        .from(sales_order::Entity)
        .and_where(Expr::col("order_id").in_subquery(uncounted))
        .to_owned();
    let select = Query::select()
        .column("status")
        .expr_as(sum("orders"), "orders")
        .from_subquery(all(vec![counts, counted, now]), "parts")
        .group_by_col("status")
        .to_owned();
    let row = |row: &QueryResult| Ok((*row.try_get::<Text<OrderStatus>>("", "status")?, row.try_get("", "orders")?));
    query(db, &select, row).await
}

/// Adds to the sums of hours.
pub(super) async fn add_hours(db: &impl ConnectionTrait, rows: Vec<sales_hour::Model>) -> Result<(), DbErr> {
    use sales_hour::Column::{Currency, Hour, Orders, RefundedMinor, SellerId, TotalMinor};

    let sum = |column| Expr::col((sales_hour::Entity, column)).add(Expr::col((Alias::new("excluded"), column)));
    let add = OnConflict::columns([SellerId, Currency, Hour])
        .value(Orders, sum(Orders))
        .value(TotalMinor, sum(TotalMinor))
        .value(RefundedMinor, sum(RefundedMinor))
        .to_owned();
    for rows in rows.chunks(500) {
        let rows = rows.iter().map(|row| row.clone().into_active_model());
        sales_hour::Entity::insert_many(rows).on_conflict(add.clone()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Adds to the sums of products.
pub(super) async fn add_products(db: &impl ConnectionTrait, rows: Vec<sales_hour_product::Model>) -> Result<(), DbErr> {
    use sales_hour_product::Column::{Currency, Hour, ProductId, Quantity, SellerId, TotalMinor};

    let sum = |column| Expr::col((sales_hour_product::Entity, column)).add(Expr::col((Alias::new("excluded"), column)));
    let add = OnConflict::columns([SellerId, Currency, Hour, ProductId])
        .value(Quantity, sum(Quantity))
        .value(TotalMinor, sum(TotalMinor))
        .to_owned();
    for rows in rows.chunks(500) {
        let rows = rows.iter().map(|row| row.clone().into_active_model());
        sales_hour_product::Entity::insert_many(rows).on_conflict(add.clone()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Keeps of `select`, of a table of sums, what `filter` is about.
fn of(filter: &Hours, mut select: SelectStatement) -> SelectStatement {
    select
        .and_where(Expr::col("hour").gte(filter.from))
        .and_where(Expr::col("hour").lt(filter.to))
        .and_where(Expr::col("currency").eq(Text(filter.currency)));
    if let Some(seller) = filter.seller {
        select.and_where(Expr::col("seller_id").eq(seller));
    }
    select
}

/// When the interval of an hour of the sums begins, in seconds since 1970.
fn start(interval: Interval, backend: DbBackend) -> Expr {
    let hour = if backend == DbBackend::Postgres { "to_timestamp(hour)" } else { "datetime(hour, 'unixepoch')" };
    start_of(interval, hour, backend)
}

/// The sums of the hours of `filter`: `start`, `orders`, `total`, `refunded`.
pub(super) fn select_hours(filter: &Hours, interval: Interval, backend: DbBackend) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr_as(start(interval, backend), "start")
        .expr_as(Expr::col("orders"), "orders")
        .expr_as(Expr::col("total_minor"), "total")
        .expr_as(Expr::col("refunded_minor"), "refunded")
        .from(sales_hour::Entity);
    of(filter, select)
}

/// What of the orders `ids` is in the sums of the hours of `filter`, as what takes it out of them: `start`, `orders`, `total`,
/// `refunded`.
pub(super) fn select_counted(
    filter: &Hours,
    ids: SelectStatement,
    interval: Interval,
    backend: DbBackend,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr_as(start(interval, backend), "start")
        .expr_as(Expr::cust("-1"), "orders")
        .expr_as(Expr::cust("-total_minor"), "total")
        .expr_as(Expr::cust("-refunded_minor"), "refunded")
        .from(sales_order::Entity)
        .and_where(Expr::col("is_counted"))
        .and_where(Expr::col("order_id").in_subquery(ids));
    of(filter, select)
}

/// The sums of products in the hours of `filter`: `product`, `quantity`, `total`.
pub(super) fn select_products(filter: &Hours) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr_as(Expr::col("product_id"), "product")
        .expr_as(Expr::col("quantity"), "quantity")
        .expr_as(Expr::col("total_minor"), "total")
        .from(sales_hour_product::Entity);
    of(filter, select)
}

/// Which of the orders `ids` are in the sums of the hours of `filter`.
pub(super) fn select_counted_ids(filter: &Hours, ids: SelectStatement) -> SelectStatement {
    let mut select = Query::select();
    select
        .column("order_id")
        .from(sales_order::Entity)
        .and_where(Expr::col("is_counted"))
        .and_where(Expr::col("order_id").in_subquery(ids));
    of(filter, select)
}

/// `lines` (`product`, `quantity`, `total`) as what takes them out of sums.
pub(super) fn negative(lines: SelectStatement) -> SelectStatement {
    Query::select()
        .expr_as(Expr::col("product"), "product")
        .expr_as(Expr::cust("-quantity"), "quantity")
        .expr_as(Expr::cust("-total"), "total")
        .from_subquery(lines, "counted")
        .to_owned()
}

/// PostgreSQL's sum of `bigint` is `numeric`. A sum that does not fit is the database's error, never another number.
fn sum(column: &str) -> Expr {
    Expr::cust(format!("CAST(SUM({column}) AS BIGINT)"))
}

/// All rows of `parts`, which have the same columns.
fn all(parts: Vec<SelectStatement>) -> SelectStatement {
    let mut parts = parts.into_iter();
    let mut first = parts.next().unwrap_or_default();
    first.unions(parts.map(|part| (UnionType::All, part)));
    first
}

async fn query<Row>(
    db: &impl ConnectionTrait,
    select: &SelectStatement,
    row: impl Fn(&QueryResult) -> Result<Row, DbErr>,
) -> Result<Vec<Row>, DbErr> {
    db.query_all(select).await?.iter().map(row).collect()
}

/// `parts` (`start`, `orders`, `total`, `refunded`), summed by interval: those in which something was sold, oldest first.
pub(super) async fn sum_intervals(db: &impl ConnectionTrait, parts: Vec<SelectStatement>) -> Result<Vec<Sold>, DbErr> {
    let select = Query::select()
        .expr_as(Expr::col("start"), "start")
        .expr_as(sum("orders"), "orders")
        .expr_as(sum("total"), "total")
        .expr_as(sum("refunded"), "refunded")
        .from_subquery(all(parts), "parts")
        .group_by_col("start")
        .and_having(sum("orders").ne(0))
        .order_by("start", Order::Asc)
        .to_owned();
    let row = |row: &QueryResult| {
        let (start, orders) = (row.try_get("", "start")?, row.try_get("", "orders")?);
        let (total_minor, refunded_minor) = (row.try_get("", "total")?, row.try_get("", "refunded")?);
        Ok(Sold { start, orders, total_minor, refunded_minor })
    };
    query(db, &select, row).await
}

fn ranked(parts: Vec<SelectStatement>, key: impl IntoColumnRef + Clone) -> SelectStatement {
    Query::select()
        .expr_as(Expr::col(key.clone()), "id")
        .expr_as(sum("quantity"), "quantity")
        .expr_as(sum("total"), "total")
        .from_subquery(all(parts), "parts")
        .group_by_col(key.clone())
        .and_having(sum("quantity").ne(0))
        .order_by_expr(sum("total"), Order::Desc)
        .order_by(key, Order::Asc)
        .to_owned()
}

fn sold_of(row: &QueryResult) -> Result<SoldOf, DbErr> {
    Ok(SoldOf { id: row.try_get("", "id")?, quantity: row.try_get("", "quantity")?, total_minor: row.try_get("", "total")? })
}

/// `parts` (`product`, `quantity`, `total`), summed by product: the `limit` that sold for most, that first.
pub(super) async fn sum_products(
    db: &impl ConnectionTrait,
    parts: Vec<SelectStatement>,
    limit: u64,
) -> Result<Vec<SoldOf>, DbErr> {
    query(db, ranked(parts, "product").limit(limit), sold_of).await
}

/// `parts` (`product`, `quantity`, `total`), summed by group of products, most first. `groups` has two columns: `product`
/// and the `group` it is in.
pub(super) async fn sum_groups(
    db: &impl ConnectionTrait,
    parts: Vec<SelectStatement>,
    groups: SelectStatement,
) -> Result<Vec<SoldOf>, DbErr> {
    let is_its_product = Expr::col(("parts", "product")).equals(("grouped", "product"));
    let mut select = ranked(parts, ("grouped", "group"));
    select.join_subquery(JoinType::InnerJoin, groups, "grouped", is_its_product);
    query(db, &select, sold_of).await
}
