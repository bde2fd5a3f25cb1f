//! What is told of payments before their orders change.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use domain::money::Money;
use entity::{order, payment};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::ids::Ids;
use crate::platform::outbox::{self, NewEvent};

/// The event that a customer began to pay; payload [`PaymentStarted`]. What becomes of it, the order's events tell.
pub const PAYMENT_STARTED: &str = "payment.started";

/// A payment that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentStarted {
    /// The payment.
    pub payment: Uuid,
    /// Of which order.
    pub order: Uuid,
    /// What people call the order.
    pub number: String,
    /// Whose.
    pub customer: Uuid,
    /// Of whom.
    pub seller: Uuid,
    /// Through whom.
    pub provider: String,
    /// How much.
    pub amount: Money,
}

pub(super) async fn started(
    tx: &Tx,
    ids: &Ids,
    order: &order::Model,
    payment: &payment::Model,
    at: DateTime<Utc>,
) -> Result<()> {
    let payload = PaymentStarted {
        payment: payment.id,
        order: order.id,
        number: order.number.clone(),
        customer: order.customer_id,
        seller: order.seller_id,
        provider: payment.provider.clone(),
        amount: Money::new(payment.amount_minor, *payment.currency),
    };
    let topics = [Topic::Platform];
    outbox::append(tx, &NewEvent { id: ids.uuid(), kind: PAYMENT_STARTED, topics: &topics, payload: &payload, at }).await
}
