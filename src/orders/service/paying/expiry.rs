//! The sweep that calls off orders that were not paid in time.
//!
//! Every instance sweeps. They cannot do an order twice: each end is one conditional change of its row, judged by the
//! database's clock. A payment that succeeds at the same moment either comes first, or finds the order cancelled and goes
//! back.

use chrono::{DateTime, Utc};
use domain::order::{OrderEventType, OrderStatus};
use entity::{Text, order};
use sea_orm::sea_query::Expr;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::settle::{after_cancel, unchanged};
use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::repo::{lists, orders as repo};
use crate::orders::service::change::{Before, Cause, change};
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::sweep::{self, BATCH, Swept};

/// Sweeps until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    sweep::run(stop, "orders that were not paid in time", || sweep(&app)).await;
}

/// Calls off the orders whose time to be paid is up.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<Swept> {
    let reader = app.db.reader();
    let due = lists::list_unpaid(reader, app.clock.sql_now(reader.get_database_backend()), BATCH).await?;
    Ok(sweep::each(&due, "an unpaid order", |order| *order, |order| retry(|| expire_once(app, *order))).await)
}

async fn expire_once(app: &App, id: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    let Some(order) = repo::lock_order(&*tx, id).await? else { return Ok(()) };
    // asked after the lock was had, however long that took
    let at = app.clock.db_now(&*tx).await?;
    if *order.status != OrderStatus::Pending || order.payment_due_at.is_none_or(|due| due > at) {
        return Ok(());
    }
    let columns = vec![
        (order::Column::Status, Expr::value(Text(OrderStatus::Cancelled))),
        (order::Column::PaymentDueAt, Expr::value(None::<DateTime<Utc>>)),
    ];
    let note = Some("It was not paid in time.".to_owned());
    let cause = Cause { r#type: OrderEventType::Cancelled, actor: None, note, at };
    change(app, &tx, Before::from(&order), unchanged(&order), columns, cause)
        .await?
        .ok_or(OrderError::VersionConflict { version: order.version })?;
    after_cancel(app, &tx, &order, None, at).await?;
    tx.commit().await
}
