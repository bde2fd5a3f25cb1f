//! What was sold: orders and their lines, as parts of a statement that sums them.

use chrono::{DateTime, Utc};
use domain::Named as _;
use domain::calendar::Interval;
use domain::money::Currency;
use domain::order::OrderStatus;
use entity::{Text, order, order_item};
use sea_orm::sea_query::{Expr, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait, Select};
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

fn sales(filter: &SalesFilter, only: Option<SelectStatement>) -> Select<order::Entity> {
    // as what does not count: SQLite would look up a list of states in their index, and read all orders ever delivered
    let others = OrderStatus::ALL.iter().copied().filter(|status| !status.is_sale());
    // of a few orders that are named, those are looked up, and none of the period: spelt so that no index is for it
    let column = |column: order::Column| match &only {
        Some(_) => Expr::expr(Func::coalesce([Expr::col((order::Entity, column)), Expr::col((order::Entity, column))])),
        None => Expr::col((order::Entity, column)),
    };
    let mut select = order::Entity::find()
        .filter(column(order::Column::CreatedAt).gte(filter.from))
        .filter(column(order::Column::CreatedAt).lt(filter.to))
        .filter(order::Column::Status.is_not_in(others.map(Text)))
        .filter(order::Column::Currency.eq(Text(filter.currency)));
    if let Some(seller) = filter.seller {
        select = select.filter(column(order::Column::SellerId).eq(seller));
    }
    if let Some(ids) = only {
        select = select.filter(order::Column::Id.in_subquery(ids));
    }
    select
}

/// The orders, a row each: `start` of the interval in seconds since 1970, `orders` (1), `total` and what of it was `refunded` in minor
/// units. `only` is a statement of one column, the ids of those that are meant.
pub(in crate::orders) fn select_orders(
    filter: &SalesFilter,
    only: Option<SelectStatement>,
    interval: Interval,
    backend: DbBackend,
) -> SelectStatement {
    sales(filter, only)
        .select_only()
        .expr_as(start_of(interval, "created_at", backend), "start")
        .expr_as(Expr::cust("1"), "orders")
        .expr_as(Expr::col(order::Column::TotalMinor), "total")
        .expr_as(Expr::col(order::Column::RefundedMinor), "refunded")
        .into_query()
}

/// The orders whose ids `ids` selects, a row each: `status`, `orders` (1).
pub(in crate::orders) fn select_states(ids: SelectStatement) -> SelectStatement {
    Query::select()
        .column("status")
        .expr_as(Expr::cust("1"), "orders")
        .from(order::Entity)
        .and_where(Expr::col(order::Column::Id).in_subquery(ids))
        .to_owned()
}

/// The orders' lines, a row each, as [`select_lines_of`] says.
pub(in crate::orders) fn select_lines(filter: &SalesFilter, only: Option<SelectStatement>) -> SelectStatement {
    select_lines_of(sales(filter, only).select_only().column(order::Column::Id).into_query())
}

/// The lines of the orders whose ids `orders` selects, a row each: `product`, `quantity`, `total` in minor units.
pub(in crate::orders) fn select_lines_of(orders: SelectStatement) -> SelectStatement {
    Query::select()
        .expr_as(Expr::col(order_item::Column::ProductId), "product")
        .expr_as(Expr::col(order_item::Column::Quantity), "quantity")
        .expr_as(Expr::col(order_item::Column::LineMinor), "total")
        .from(order_item::Entity)
        .and_where(Expr::col(order_item::Column::OrderId).in_subquery(orders))
        .to_owned()
}
