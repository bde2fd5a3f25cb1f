//! Money that goes back.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use domain::access::{Actor, Party};
use domain::error::Rejection;
use domain::id::{Kind, encode};
use domain::input;
use domain::money::{AmountError, Money};
use domain::order::{OrderEventType, OrderStatus};
use entity::{order, payment, refund};
use rust_decimal::Decimal;
use sea_orm::sea_query::Expr;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::events::{self, status};
use super::{OrderPayment, settle as settling};
use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::event::REFUND_FAILED;
use crate::orders::repo::orders as repo;
use crate::orders::service::access::party;
use crate::orders::service::change::{Before, Cause, change};
use crate::payments::PaymentError;
use crate::payments::provider::{CASH, RefundOutcome};
use crate::payments::service::{self as payments, RefundOrder};
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::idempotency::{self, Begun, Request};
use crate::platform::jobs::{Failure, Job};

/// A refund that somebody asks for.
#[derive(Debug, Clone, Serialize)]
pub struct RefundPayment {
    /// Of which payment.
    pub payment: Uuid,
    /// How much; none: all that is left.
    pub amount: Option<Decimal>,
    /// In the actor's words.
    pub reason: Option<String>,
}

/// Gives money back, once for each key: admins may, and the seller of the order. What is given back is never more than was
/// paid, however many ask at once. Of cash it is settled at once, of anything else when the provider has done it.
///
/// # Errors
/// `NOT_FOUND` for a payment that is none of the actor's business; `PAYMENT_NOT_ALLOWED` when nothing was paid;
/// `REFUND_TOO_LARGE` when less is left.
pub async fn refund_payment(app: &App, actor: Actor, key: &str, refund: RefundPayment) -> Result<OrderPayment> {
    let mut refund = refund;
    if let Some(reason) = &refund.reason {
        refund.reason = Some(input::paragraph("reason", reason, 0, 500)?).filter(|reason| !reason.is_empty());
    }
    // 5 and 5.00 are the same request
    refund.amount = refund.amount.map(|amount| amount.normalize());
    let request = Request::new(actor.principal(), "refundPayment", key, &refund)?;
    retry(|| refund_once(app, actor, &request, &refund)).await
}

async fn refund_once(app: &App, actor: Actor, request: &Request, asked: &RefundPayment) -> Result<OrderPayment> {
    let tx = app.db.begin().await?;
    let began = app.clock.db_now(&*tx).await?;
    if let Begun::Done(id) = idempotency::begin::<Uuid>(&tx, request, began).await? {
        return reread(&tx, id).await;
    }
    let found = payments::find(&*tx, asked.payment).await?.ok_or(PaymentError::NotFound)?;
    let (order, payment) = events::lock(&tx, &found).await?.ok_or(PaymentError::NotFound)?;
    if !matches!(party(&order, actor), Some(Party::Seller | Party::Admin)) {
        return Err(PaymentError::NotFound.into());
    }
    let amount_minor = asked.amount.map(|amount| minor(amount, &payment)).transpose()?;
    let at = app.clock.db_now(&*tx).await?;
    let new = RefundOrder { amount_minor, reason: asked.reason.as_deref(), actor: Some(actor.user) };
    let refund = payments::order_refund(app, &tx, &payment, &new, at).await?;
    // of a seller as well: money leaves the shop on one person's word
    let after = json!({
        "orderId": encode(Kind::Order, order.id), "paymentId": encode(Kind::Payment, payment.id),
        "amountMinor": refund.amount_minor, "currency": payment.currency, "reason": refund.reason,
    });
    let (id, target) = (app.ids.uuid(), Some((Kind::Refund, refund.id)));
    let entry = NewEntry { id, by: actor.into(), action: "refund.create", target, before: None, after: Some(after), at };
    audit::append(&tx, entry).await?;
    if payment.provider == CASH {
        settle_by(app, &tx, &order, &payment, refund.id, &RefundOutcome::Succeeded, Some(actor), at).await?;
    }
    idempotency::finish(&tx, request, &payment.id).await?;
    let paid = reread(&tx, payment.id).await?;
    tx.commit().await?;
    Ok(paid)
}

async fn reread(tx: &Tx, id: Uuid) -> Result<OrderPayment> {
    let payment = payments::find(&**tx, id).await?.ok_or(PaymentError::NotFound)?;
    let order = repo::find_order(&**tx, payment.order_id).await?.ok_or(OrderError::NotFound)?;
    Ok(OrderPayment { order, payment })
}

/// An order may cost more than any one thing: what is left of the payment is the limit.
fn minor(amount: Decimal, payment: &payment::Model) -> Result<i64, Rejection> {
    let money = Money::sum_from_decimal(amount, *payment.currency).map_err(|error| match error {
        AmountError::TooLarge => payments::too_large(payment).into(),
        error => Rejection::invalid("amount", format!("It {error}.")),
    })?;
    if money.minor == 0 { Err(Rejection::invalid("amount", "Must be more than nothing.")) } else { Ok(money.minor) }
}

/// Asks the provider for the refund of `job`, and settles what it says.
///
/// # Errors
/// When the provider or the database cannot be asked now.
pub async fn refund_at_provider(app: &App, job: &Job) -> Result<(), Failure> {
    if let Some((refund, outcome)) = payments::refund_at_provider(app, job).await? {
        retry(|| settle_once(app, refund, &outcome)).await?;
    }
    Ok(())
}

async fn settle_once(app: &App, refund: Uuid, outcome: &RefundOutcome) -> Result<()> {
    let tx = app.db.begin().await?;
    let Some(found) = payments::find_refund(&*tx, refund).await? else { return Ok(()) };
    let Some(payment) = payments::find(&*tx, found.payment_id).await? else { return Ok(()) };
    if let Some((order, payment)) = events::lock(&tx, &payment).await? {
        let at = app.clock.db_now(&*tx).await?;
        let is_failed = settle(app, &tx, &order, &payment, refund, outcome, at).await?;
        tx.commit().await?;
        count(app, is_failed);
    }
    Ok(())
}

/// Counts a refund that failed, once that is written down.
pub(super) fn count(app: &App, is_failed: bool) {
    app.refunds_failed.fetch_add(u64::from(is_failed), Ordering::Relaxed);
}

/// Writes down how the refund `id` of `payment` ended, and where the order's money is since. Both rows are locked. Whether it
/// is news that it failed.
pub(super) async fn settle(
    app: &App,
    tx: &Tx,
    order: &order::Model,
    payment: &payment::Model,
    id: Uuid,
    outcome: &RefundOutcome,
    at: DateTime<Utc>,
) -> Result<bool> {
    settle_by(app, tx, order, payment, id, outcome, None, at).await
}

#[expect(clippy::too_many_arguments, reason = "what is locked, what happened, who did it and when")]
async fn settle_by(
    app: &App,
    tx: &Tx,
    order: &order::Model,
    payment: &payment::Model,
    id: Uuid,
    outcome: &RefundOutcome,
    actor: Option<Actor>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let refund = payments::find_refund(&**tx, id).await?.filter(|refund| refund.payment_id == payment.id);
    let Some(refund) = refund else { return Ok(false) };
    if !payments::settle(tx, payment, &refund, outcome, at).await? {
        return Ok(false);
    }
    let is_failed = matches!(outcome, RefundOutcome::Failed(_));
    let all = payments::list_by_orders(&**tx, &[order.id]).await?;
    let ids: Vec<Uuid> = all.iter().map(|payment| payment.id).collect();
    let refunds = payments::list_refunds(&**tx, &ids).await?;
    let (now, refunded) = (payments::summary(&all, &refunds), payments::refunded_of(order.total_minor, &all, &refunds));
    let is_same = now == *order.payment_status && refunded == order.refunded_minor;
    let (r#type, note) = match outcome {
        RefundOutcome::Succeeded => (OrderEventType::Refunded, refund.reason),
        // nothing of the order changed: whoever asked for it sees it at the refund. What goes back by itself nobody looks at
        RefundOutcome::Failed(_) if is_same && !is_expected(order, &refund) => return Ok(is_failed),
        RefundOutcome::Failed(reason) => {
            (OrderEventType::PaymentFailed, Some(format!("{REFUND_FAILED}{}", payments::readable(reason))))
        }
    };
    let cause = Cause { r#type, actor, note, at };
    let columns = vec![status(now), (order::Column::RefundedMinor, Expr::value(refunded))];
    let after = change(app, tx, Before::from(order), settling::unchanged(order), columns, cause).await?;
    after.map(|_| is_failed).ok_or_else(|| OrderError::VersionConflict { version: order.version }.into())
}

/// Whether the customer waits for this money without having asked for it in particular.
fn is_expected(order: &order::Model, refund: &refund::Model) -> bool {
    refund.actor_id.is_none() || *order.status == OrderStatus::Cancelled
}
