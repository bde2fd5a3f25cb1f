//! What was sold: sums over orders and their lines, made by the database.

use chrono::{DateTime, Utc};
use domain::Named as _;
use domain::calendar::Interval;
use domain::money::Currency;
use domain::order::OrderStatus;
use entity::{Text, order, order_item};
use sea_orm::sea_query::{Alias, Expr, JoinType, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};
use uuid::Uuid;

use crate::platform::calendar::start_of;

/// Which orders: those that are sales, placed within a time, in one currency, of one seller or of all.
#[derive(Debug, Clone, Copy)]
pub struct SalesFilter {
    /// Only of this seller.
    pub seller: Option<Uuid>,
    /// Placed then or later.
    pub from: DateTime<Utc>,
    /// Placed before then.
    pub to: DateTime<Utc>,
    /// Amounts of another currency cannot be added to these.
    pub currency: Currency,
}

/// What was sold within one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sold {
    /// When the interval begins, in seconds since 1970.
    pub start: i64,
    /// Orders.
    pub orders: i64,
    /// Their totals, minor units.
    pub total_minor: i64,
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

fn sales(filter: &SalesFilter) -> Select<order::Entity> {
    // as what does not count: SQLite would look up a list of states in their index, and read all orders ever delivered
    let others = OrderStatus::ALL.iter().copied().filter(|status| !status.is_sale());
    let mut select = order::Entity::find()
        .filter(order::Column::CreatedAt.gte(filter.from))
        .filter(order::Column::CreatedAt.lt(filter.to))
        .filter(order::Column::Status.is_not_in(others.map(Text)))
        .filter(order::Column::Currency.eq(Text(filter.currency)));
    if let Some(seller) = filter.seller {
        select = select.filter(order::Column::SellerId.eq(seller));
    }
    select
}

/// PostgreSQL's sum of `bigint` is `numeric`. A sum that does not fit is the database's error, never another number.
fn sum(column: &str) -> Expr {
    Expr::cust(format!("CAST(SUM({column}) AS BIGINT)"))
}

/// What was sold in each interval that has a sale, oldest first.
pub(in crate::orders) async fn list_sales(
    db: &impl ConnectionTrait,
    filter: &SalesFilter,
    interval: Interval,
) -> Result<Vec<Sold>, DbErr> {
    let start = start_of(interval, "created_at", db.get_database_backend());
    let rows: Vec<(i64, i64, i64)> = sales(filter)
        .select_only()
        .expr_as(start.clone(), "start")
        .expr_as(Expr::col(order::Column::Id).count(), "orders")
        .expr_as(sum("total_minor"), "total")
        .group_by(start.clone())
        .order_by_asc(start)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|(start, orders, total_minor)| Sold { start, orders, total_minor }).collect())
}

/// The lines of the orders, with the sums of each `key`.
fn lines(filter: &SalesFilter, key: Expr) -> Select<order_item::Entity> {
    let orders = sales(filter).select_only().column(order::Column::Id).into_query();
    order_item::Entity::find()
        .select_only()
        .expr_as(key.clone(), "id")
        .expr_as(sum("quantity"), "quantity")
        .expr_as(sum("line_minor"), "total")
        .filter(order_item::Column::OrderId.in_subquery(orders))
        .group_by(key.clone())
        .order_by(sum("line_minor"), Order::Desc)
        .order_by_asc(key)
}

async fn list_of(db: &impl ConnectionTrait, select: Select<order_item::Entity>) -> Result<Vec<SoldOf>, DbErr> {
    let rows: Vec<(Uuid, i64, i64)> = select.into_tuple().all(db).await?;
    Ok(rows.into_iter().map(|(id, quantity, total_minor)| SoldOf { id, quantity, total_minor }).collect())
}

/// The products that sold for most, that first.
pub(in crate::orders) async fn list_top_products(
    db: &impl ConnectionTrait,
    filter: &SalesFilter,
    limit: u64,
) -> Result<Vec<SoldOf>, DbErr> {
    list_of(db, lines(filter, Expr::col(order_item::Column::ProductId)).limit(limit)).await
}

/// What sold of each group of products, most first. `groups` has two columns: `product` and the `group` it is in.
pub(in crate::orders) async fn list_sales_by_group(
    db: &impl ConnectionTrait,
    filter: &SalesFilter,
    groups: SelectStatement,
) -> Result<Vec<SoldOf>, DbErr> {
    let table = || Alias::new("grouped");
    let mut select = lines(filter, Expr::col((table(), Alias::new("group"))));
    let is_its_product =
        Expr::col((order_item::Entity, order_item::Column::ProductId)).equals((table(), Alias::new("product")));
    QuerySelect::query(&mut select).join_subquery(JoinType::InnerJoin, groups, table(), is_its_product);
    list_of(db, select).await
}
