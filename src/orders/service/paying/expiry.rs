//! The sweep that calls off orders that were not paid in time.
//!
//! Every instance sweeps. They cannot do an order twice: each end is one conditional change of its row, judged by the
//! database's clock. A payment that succeeds at the same moment either comes first, or finds the order cancelled and goes
//! back.
//!
//! Where a provider knows of a payment of the order, it is asked first, by a job: the webhook of a success may be late or
//! lost. What it says decides; a provider that cannot be asked keeps the goods promised for `EXTRA`, and no longer.

use chrono::{DateTime, TimeDelta, Utc};
use domain::order::{OrderEventType, OrderStatus};
use entity::{Text, order};
use sea_orm::sea_query::Expr;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::events::apply_provider_event;
use super::settle::{after_cancel, unchanged};
use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::repo::{lists, orders as repo};
use crate::orders::service::change::{Before, Cause, change};
use crate::payments::service as payments;
use crate::platform::db::retry;
use crate::platform::jobs::{Failure, Job};
use crate::platform::sweep::{BATCH, Swept};
use crate::platform::{Error, Result};

/// The name of the sweep.
pub const SWEEP: &str = "orders.expire_unpaid";

/// How much longer an order waits for what a provider says of it.
const EXTRA: TimeDelta = TimeDelta::minutes(10);

/// Sweeps until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    app.sweeper(SWEEP).run(stop, || sweep(&app)).await;
}

/// Calls off the orders whose time to be paid is up.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<Swept> {
    let reader = app.db.reader();
    let due = lists::list_unpaid(reader, SWEEP, app.clock.sql_now(reader.get_database_backend()), BATCH).await?;
    Ok(app.sweeper(SWEEP).each(&due, |order| *order, |order| end(app, *order)).await)
}

/// Calls `order` off, if its time to be paid is up and nobody is to be asked about it first.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, order: Uuid) -> Result<()> {
    retry(|| expire_once(app, order, false)).await
}

/// Asks the providers whether the order of `job`, whose time is up, was paid. It is called off if they say that it was not.
///
/// # Errors
/// When a provider or the database cannot be asked now.
pub async fn ask_providers(app: &App, job: &Job) -> Result<(), Failure> {
    let id = payments::asked_about(job)?;
    let order = repo::find_order(app.db.reader(), id).await.map_err(Error::from)?;
    if order.is_none_or(|order| *order.status != OrderStatus::Pending) {
        return Ok(());
    }
    for (provider, event) in payments::ask_providers(app, id).await? {
        apply_provider_event(app, &provider, &event).await?;
    }
    Ok(retry(|| expire_once(app, id, true)).await?)
}

/// Calls the order off, if its time is up and nobody is to be asked about it any more.
async fn expire_once(app: &App, id: Uuid, is_asked: bool) -> Result<()> {
    let tx = app.db.begin().await?;
    let Some(order) = repo::lock_order(&*tx, id).await? else { return Ok(()) };
    // asked after the lock was had, however long that took
    let at = app.clock.db_now(&*tx).await?;
    if *order.status != OrderStatus::Pending || order.payment_due_at.is_none_or(|due| due > at) {
        return Ok(());
    }
    match order.payment_asked_until {
        _ if is_asked => {}
        Some(until) if until > at => return Ok(()),
        None if payments::ask(app, &tx, order.id, at).await? => {
            repo::update_asked_until(&*tx, order.id, at + EXTRA).await?;
            return tx.commit().await;
        }
        _ => {}
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
