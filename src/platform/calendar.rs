//! The calendar in SQL, where the two databases differ: in UTC in both.

use domain::calendar::Interval;
use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;

/// The beginning of the interval that the time in `column` is in, in seconds since 1970: what [`Interval::start`] says.
/// `column` is the name of a column, not text of a client's.
#[must_use]
pub fn start_of(interval: Interval, column: &'static str, backend: DbBackend) -> Expr {
    let sql = if backend == DbBackend::Postgres {
        let unit = match interval {
            Interval::Hour => "hour",
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
        };
        format!("CAST(EXTRACT(EPOCH FROM date_trunc('{unit}', {column}, 'UTC')) AS BIGINT)")
    } else {
        let start = match interval {
            Interval::Hour => format!("strftime('%Y-%m-%d %H:00:00', {column})"),
            Interval::Day => format!("{column}, 'start of day'"),
            // forward to Sunday, which ends the week, and back to its Monday
            Interval::Week => format!("{column}, 'weekday 0', '-6 days', 'start of day'"),
            Interval::Month => format!("{column}, 'start of month'"),
        };
        format!("CAST(strftime('%s', {start}) AS BIGINT)")
    };
    Expr::cust(sql)
}
