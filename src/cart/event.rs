//! What those who follow a cart are told, and the instances, of promo codes.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::ids::Ids;
use crate::platform::outbox::{self, NewEvent};

/// The event that a cart is to be looked at again; payload [`CartChange`].
pub const CART_CHANGED: &str = "cart.changed";

/// The event that a promo code began or ended to hold; payload [`PromoChange`].
pub const PROMO_CHANGED: &str = "promo.changed";

/// Whose cart changed. Receivers read the rest: a cart is priced anew whenever it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartChange {
    /// The customer.
    pub customer: Uuid,
}

/// Which promo code changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromoChange {
    /// The promo code.
    pub promo: Uuid,
}

/// Logs that the cart of `customer` is another, in the transaction that makes it so.
///
/// # Errors
/// When the database fails.
pub async fn cart_changed(tx: &Tx, ids: &Ids, customer: Uuid, at: DateTime<Utc>) -> Result<()> {
    let payload = CartChange { customer };
    let topics = [Topic::Cart(customer)];
    outbox::append(tx, &NewEvent { id: ids.uuid(), kind: CART_CHANGED, topics: &topics, payload: &payload, at }).await
}

/// Logs that `promo` began or ended to hold, in the transaction that makes it so.
///
/// # Errors
/// When the database fails.
pub async fn promo_changed(tx: &Tx, ids: &Ids, promo: Uuid, at: DateTime<Utc>) -> Result<()> {
    let payload = PromoChange { promo };
    let topics = [Topic::Catalog];
    outbox::append(tx, &NewEvent { id: ids.uuid(), kind: PROMO_CHANGED, topics: &topics, payload: &payload, at }).await
}
