//! What caches, carts and subscribers are told of a product.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::ids::Ids;
use crate::platform::outbox::{self, NewEvent};

/// The event that a product, its price or its stock changed; payload [`ProductChange`].
pub const PRODUCT_CHANGED: &str = "product.changed";

/// Which product changed. Receivers read the rest: most of them only forget what they knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductChange {
    /// The product.
    pub product: Uuid,
}

/// Logs that `product` changed, in the transaction that changes it.
///
/// # Errors
/// When the database fails.
pub async fn product_changed(tx: &Tx, ids: &Ids, product: Uuid, at: DateTime<Utc>) -> Result<()> {
    let topics = [Topic::Product(product), Topic::Catalog];
    let payload = ProductChange { product };
    outbox::append(tx, &NewEvent { id: ids.uuid(), kind: PRODUCT_CHANGED, topics: &topics, payload: &payload, at }).await
}
