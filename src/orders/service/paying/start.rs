//! A customer begins to pay.

use chrono::{DateTime, Utc};
use domain::access::{Actor, Party};
use domain::order::{OrderStatus, PaymentMethod, PaymentStatus};
use entity::{order, payment};
use serde::Serialize;
use uuid::Uuid;

use super::{OrderPayment, events};
use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::repo::orders as repo;
use crate::orders::service::access::party;
use crate::payments::service::{self as payments, NotIntroduced};
use crate::payments::{PaymentError, provider};
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::idempotency::{self, Begun, Request};

/// A payment to begin.
#[derive(Debug, Clone, Serialize)]
pub struct StartPayment {
    /// Of which order.
    pub order: Uuid,
    /// Through whom; none: whoever is configured.
    pub provider: Option<String>,
}

/// Begins a payment, or goes on with the one that is under way: first it is written down, and then its provider is told.
/// Whoever asks again under the same key, also after a crash in between, gets the same payment.
///
/// # Errors
/// `NOT_FOUND` for an order that is not the customer's; `PAYMENT_NOT_ALLOWED` for one that is not to be paid now, or not this
/// way; `PAYMENT_DECLINED` when the provider refuses; a fault when it cannot be reached: then ask again.
pub async fn start_payment(app: &App, actor: Actor, key: &str, start: StartPayment) -> Result<OrderPayment> {
    let provider = provider::choose(app, start.provider.as_deref())?;
    let request = Request::new(actor.principal(), "startPayment", key, &start)?;
    let OrderPayment { order, payment } = retry(|| begin_once(app, actor, &request, &start, provider)).await?;
    let (order_id, payment_id) = (order.id, payment.id);
    match payments::introduce(app, payment, &order.number).await {
        // of a request that comes again after the order was called off, or came to nothing
        Ok(payment)
            if *payment.status == PaymentStatus::Failed
                && matches!(*order.status, OrderStatus::Cancelled | OrderStatus::Failed) =>
        {
            Err(PaymentError::Declined(payment.failure_reason.unwrap_or_default()).into())
        }
        Ok(payment) => Ok(OrderPayment { order, payment }),
        Err(NotIntroduced::Refused(reason)) => {
            retry(|| events::refuse_once(app, order_id, payment_id, &reason)).await?;
            Err(PaymentError::Declined(reason).into())
        }
        Err(NotIntroduced::Ended(reason)) => Err(PaymentError::Declined(reason).into()),
        Err(NotIntroduced::Error(error)) => Err(error),
    }
}

async fn begin_once(
    app: &App,
    actor: Actor,
    request: &Request,
    start: &StartPayment,
    provider: &str,
) -> Result<OrderPayment> {
    let tx = app.db.begin().await?;
    let began = app.clock.db_now(&*tx).await?;
    if let Begun::Done(id) = idempotency::begin::<Uuid>(&tx, request, began).await? {
        let payment = payments::find(&*tx, id).await?.ok_or(PaymentError::NotFound)?;
        let order = repo::find_order(&*tx, payment.order_id).await?.ok_or(OrderError::NotFound)?;
        return Ok(OrderPayment { order, payment });
    }
    let order = repo::lock_order(&*tx, start.order).await?;
    let order = order.filter(|order| party(order, actor) == Some(Party::Customer)).ok_or(OrderError::NotFound)?;
    let at = app.clock.db_now(&*tx).await?;
    is_to_be_paid(&order, at)?;
    let payment: payment::Model = payments::begin(app, &tx, &order, provider, at).await?;
    idempotency::finish(&tx, request, &payment.id).await?;
    tx.commit().await?;
    Ok(OrderPayment { order, payment })
}

fn is_to_be_paid(order: &order::Model, now: DateTime<Utc>) -> Result<(), PaymentError> {
    let no = |why| Err(PaymentError::NotAllowed(why));
    match order.payment_due_at {
        _ if *order.payment_method == PaymentMethod::CashOnDelivery => no("This order is paid at the door."),
        _ if *order.status != OrderStatus::Pending => no("This order does not wait for a payment."),
        // its second counts, whether or not the sweep has come by
        Some(due) if due <= now => no("The time to pay this order has run out."),
        _ => Ok(()),
    }
}
