//! What caches, carts and subscribers are told of a product.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::ids::Ids;
use crate::platform::outbox::{self, NewEvent};

/// The event that a product, its price, its stock or its rating changed; payload [`ProductChange`].
pub const PRODUCT_CHANGED: &str = "product.changed";

/// Which product changed. Receivers read the rest: most of them only forget what they knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductChange {
    /// The product.
    pub product: Uuid,
    /// Whether this change took it off sale: the last that everybody hears of it.
    pub has_left_sale: bool,
    /// Whether nothing changed but what customers think of it.
    #[serde(default)]
    pub is_rating: bool,
}

/// Logs that `product` changed, in the transaction that changes it.
///
/// # Errors
/// When the database fails.
pub async fn product_changed(tx: &Tx, ids: &Ids, product: Uuid, at: DateTime<Utc>) -> Result<()> {
    log(tx, ids, ProductChange { product, has_left_sale: false, is_rating: false }, at).await
}

/// The event that a category was made or has another name; payload [`CategoryChange`].
pub const CATEGORY_CHANGED: &str = "category.changed";

/// Which category changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryChange {
    /// The category.
    pub category: Uuid,
}

pub(super) async fn category_changed(tx: &Tx, ids: &Ids, category: Uuid, at: DateTime<Utc>) -> Result<()> {
    let (topics, payload) = ([Topic::Catalog], CategoryChange { category });
    outbox::append(tx, &NewEvent { id: ids.uuid(), kind: CATEGORY_CHANGED, topics: &topics, payload: &payload, at }).await
}

pub(super) async fn log(tx: &Tx, ids: &Ids, payload: ProductChange, at: DateTime<Utc>) -> Result<()> {
    let topics = [Topic::Product(payload.product), Topic::Catalog];
    outbox::append(tx, &NewEvent { id: ids.uuid(), kind: PRODUCT_CHANGED, topics: &topics, payload: &payload, at }).await
}

/// The same for many products, in one statement.
///
/// # Errors
/// When the database fails.
pub async fn products_changed(tx: &Tx, ids: &Ids, products: &[Uuid], at: DateTime<Utc>) -> Result<()> {
    log_all(tx, ids, products, false, at).await
}

/// Logs that `products` were rated.
pub(super) async fn products_rated(tx: &Tx, ids: &Ids, products: &[Uuid], at: DateTime<Utc>) -> Result<()> {
    log_all(tx, ids, products, true, at).await
}

async fn log_all(tx: &Tx, ids: &Ids, products: &[Uuid], is_rating: bool, at: DateTime<Utc>) -> Result<()> {
    let topics: Vec<[Topic; 2]> = products.iter().map(|product| [Topic::Product(*product), Topic::Catalog]).collect();
    let change = |product: &Uuid| ProductChange { product: *product, has_left_sale: false, is_rating };
    let payloads: Vec<ProductChange> = products.iter().map(change).collect();
    let events: Vec<_> = topics
        .iter()
        .zip(&payloads)
        .map(|(topics, payload)| NewEvent { id: ids.uuid(), kind: PRODUCT_CHANGED, topics, payload, at })
        .collect();
    outbox::append_all(tx, &events).await
}
