//! What was sold, for reports: parts of a statement that sums them, so that tables are not known where it is put together.

use domain::calendar::Interval;
use sea_orm::DbBackend;
use sea_orm::sea_query::SelectStatement;

use crate::orders::repo::sales as repo;
pub use crate::orders::repo::sales::SalesFilter;

/// The orders, a row each: `start` of the interval in seconds since 1970, `orders` (1), `total` in minor units. `only` is a
/// statement of one column, the ids of those that are meant; absent: all.
#[must_use]
pub fn select_orders(
    filter: &SalesFilter,
    only: Option<SelectStatement>,
    interval: Interval,
    backend: DbBackend,
) -> SelectStatement {
    repo::select_orders(filter, only, interval, backend)
}

/// The orders whose ids `ids` selects, a row each: `status`, `orders` (1).
#[must_use]
pub fn select_states(ids: SelectStatement) -> SelectStatement {
    repo::select_states(ids)
}

/// The lines of these orders, a row each: `product`, `quantity`, `total` in minor units.
#[must_use]
pub fn select_lines(filter: &SalesFilter, only: Option<SelectStatement>) -> SelectStatement {
    repo::select_lines(filter, only)
}

/// The lines of the orders whose ids `orders` selects, a row each, whatever became of them.
#[must_use]
pub fn select_lines_of(orders: SelectStatement) -> SelectStatement {
    repo::select_lines_of(orders)
}
