//! What a provider says of a payment, applied once to the payment and its order.

use chrono::{DateTime, Utc};
use domain::Named as _;
use domain::order::{OrderEventType, OrderStatus, PaymentStatus};
use entity::{Text, order, payment};
use sea_orm::sea_query::Expr;
use uuid::Uuid;

use super::{refunds, settle};
use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::repo::orders as repo;
use crate::orders::service::change::{Before, Cause, change};
use crate::payments::provider::{News, ProviderEvent};
use crate::payments::service::{self as payments, RefundOrder};
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::jobs::{Failure, Job};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was applied.
    Applied,
    /// It was applied before.
    Before,
    /// It is about no payment of ours.
    Unknown,
}

/// Applies `event` of `provider`, once however often it comes. Events may come in any order: what is said of a payment that
/// went further since changes nothing.
///
/// # Errors
/// When the database fails; the provider is to send it again then.
pub async fn apply_provider_event(app: &App, provider: &str, event: &ProviderEvent) -> Result<Heard> {
    retry(|| apply_once(app, provider, event)).await
}

async fn apply_once(app: &App, provider: &str, event: &ProviderEvent) -> Result<Heard> {
    let tx = app.db.begin().await?;
    let Some(found) = payments::find_of_event(&*tx, provider, event).await? else {
        tracing::warn!(provider, event = event.id, kind = event.news.kind(), "an event of a payment that is not ours");
        return Ok(Heard::Unknown);
    };
    let Some((order, payment)) = lock(&tx, &found).await? else { return Ok(Heard::Unknown) };
    let at = app.clock.db_now(&*tx).await?;
    if !payments::note(&tx, provider, event, payment.id, at).await? {
        return Ok(Heard::Before);
    }
    let mut is_refund_failed = false;
    match &event.news {
        News::Succeeded { amount_minor, currency } => {
            if *amount_minor == payment.amount_minor && *currency == payment.currency.name() {
                succeeded(app, &tx, &order, &payment, &event.reference, at).await?;
            } else {
                // for a person to look at: what was paid is not what was asked for
                tracing::error!(
                    payment = %payment.id, provider, amount_minor, currency, expected = payment.amount_minor,
                    "a payment of another amount succeeded, and was not accepted"
                );
            }
        }
        News::Failed { reason } => failed(app, &tx, &order, &payment, reason, at).await?,
        News::Cancelled => failed(app, &tx, &order, &payment, "The payment was called off.", at).await?,
        News::Refund { refund, outcome } => {
            is_refund_failed = refunds::settle(app, &tx, &order, &payment, *refund, outcome, at).await?;
        }
    }
    tx.commit().await?;
    refunds::count(app, is_refund_failed);
    Ok(Heard::Applied)
}

/// The order and its payment, both locked, in this order.
pub(super) async fn lock(tx: &Tx, found: &payment::Model) -> Result<Option<(order::Model, payment::Model)>> {
    let order = repo::lock_order(&**tx, found.order_id).await?;
    let payment = payments::lock(tx, found.id).await?;
    Ok(order.zip(payment))
}

/// The payment succeeded: the order is confirmed by it, or it goes back.
async fn succeeded(
    app: &App,
    tx: &Tx,
    order: &order::Model,
    payment: &payment::Model,
    reference: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    if !payments::succeed(tx, payment.id, reference, at).await? {
        return Ok(());
    }
    let is_unpaid = matches!(*order.payment_status, PaymentStatus::Pending | PaymentStatus::Failed);
    // nothing is delivered any more for what comes now
    let unwanted = match *order.status {
        _ if !is_unpaid => Some("The order was paid before: the money goes back."),
        OrderStatus::Cancelled => Some("The order was cancelled before: the money goes back."),
        OrderStatus::Failed => Some("The delivery had failed before: the money goes back."),
        _ => None,
    };
    let (is_wanted, note) = (unwanted.is_none(), unwanted.map(str::to_owned));
    let columns = if is_unpaid { vec![status(PaymentStatus::Paid)] } else { Vec::new() };
    let cause = Cause { r#type: OrderEventType::PaymentSucceeded, actor: None, note: note.clone(), at };
    let after = change(app, tx, Before::from(order), settle::unchanged(order), columns, cause).await?;
    let order = after.ok_or(OrderError::VersionConflict { version: order.version })?;
    if is_wanted {
        payments::abandon(app, tx, order.id, Some(payment.id), "The order was paid otherwise.", at).await?;
        if *order.status == OrderStatus::Pending {
            let cause = Cause { r#type: OrderEventType::Confirmed, actor: None, note: None, at };
            settle::confirm(app, tx, &order, cause).await?;
        }
    } else if let Some(payment) = payments::lock(tx, payment.id).await? {
        let refund = RefundOrder { amount_minor: None, reason: note.as_deref(), actor: None };
        payments::order_refund(app, tx, &payment, &refund, at).await?;
    }
    Ok(())
}

/// The payment failed: the order goes on waiting for another until its time is up.
async fn failed(
    app: &App,
    tx: &Tx,
    order: &order::Model,
    payment: &payment::Model,
    reason: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    let reason = payments::readable(reason);
    if !payments::fail(tx, payment.id, &reason, at).await? {
        return Ok(());
    }
    let is_unpaid = matches!(*order.payment_status, PaymentStatus::Pending | PaymentStatus::Failed);
    let columns = if is_unpaid { vec![status(PaymentStatus::Failed)] } else { Vec::new() };
    let cause = Cause { r#type: OrderEventType::PaymentFailed, actor: None, note: Some(reason), at };
    let after = change(app, tx, Before::from(order), settle::unchanged(order), columns, cause).await?;
    after.map(|_| ()).ok_or_else(|| OrderError::VersionConflict { version: order.version }.into())
}

/// The provider would not have the payment at all.
pub(super) async fn refuse_once(app: &App, order: Uuid, payment: Uuid, reason: &str) -> Result<()> {
    let tx = app.db.begin().await?;
    let order = repo::lock_order(&*tx, order).await?.ok_or(OrderError::NotFound)?;
    // the same request of another instance may have been answered: the customer has the secret then
    if let Some(payment) = payments::lock(&tx, payment).await?.filter(|payment| payment.provider_ref.is_none()) {
        let at = app.clock.db_now(&*tx).await?;
        failed(app, &tx, &order, &payment, reason, at).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Has the payment of `job` called off at its provider, or what was paid applied.
///
/// # Errors
/// When the provider or the database cannot be asked now.
pub async fn cancel_at_provider(app: &App, job: &Job) -> Result<(), Failure> {
    if let Some((provider, event)) = payments::cancel_at_provider(app, job).await? {
        apply_provider_event(app, &provider, &event).await?;
    }
    Ok(())
}

pub(super) fn status(status: PaymentStatus) -> (order::Column, Expr) {
    (order::Column::PaymentStatus, Expr::value(Text(status)))
}
