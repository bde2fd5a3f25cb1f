//! Products with their stock: what touches both an entry of the catalogue and what there is of it, in one transaction.

use domain::access::{Actor, Role};
use domain::id::Kind;
use domain::input::number;
use domain::stock::MAX_ON_HAND;
use entity::product;
use serde::Serialize;
use uuid::Uuid;

use super::service::{self, NewStock};
use crate::app::App;
use crate::catalog::{self, Changes, Draft, NewProduct};
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db;
use crate::platform::error::Denial;
use crate::platform::idempotency::{self, Begun};

/// At or below so many pieces the stock is low, unless the seller says otherwise.
pub(super) const LOW_STOCK_THRESHOLD: i32 = 5;

/// A checked product with its first stock.
#[derive(Debug, Clone, Serialize)]
struct Listing {
    product: Draft,
    initial_stock: i32,
    low_stock_threshold: i32,
}

/// Puts a product of the actor's store on sale, once for each `key`.
///
/// # Errors
/// `FORBIDDEN` for an actor without a store; `INVALID_INPUT` at the field; `NOT_FOUND` for the category; `ALREADY_EXISTS`
/// for the SKU.
pub async fn create(
    app: &App,
    actor: &Actor,
    key: &str,
    product: NewProduct,
    initial_stock: i32,
    low_stock_threshold: Option<i32>,
) -> Result<product::Model> {
    let seller = actor.seller.ok_or(Denial::Forbidden)?;
    let listing = Listing {
        product: product.check(app.config.currency)?,
        initial_stock: number("initialStock", initial_stock, 0, MAX_ON_HAND)?,
        low_stock_threshold: threshold(low_stock_threshold.unwrap_or(LOW_STOCK_THRESHOLD))?,
    };
    let request = idempotency::Request::new(actor.principal(), "createProduct", key, &listing)?;
    db::retry(|| create_once(app, actor, seller, &request, listing.clone())).await
}

async fn create_once(
    app: &App,
    actor: &Actor,
    seller: Uuid,
    request: &idempotency::Request,
    listing: Listing,
) -> Result<product::Model> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    if let Begun::Done(id) = idempotency::begin(&tx, request, at).await? {
        return catalog::service::find_managed(&*tx, actor, id).await;
    }
    let product = catalog::service::add(app, &tx, seller, listing.product, at).await?;
    let stock = NewStock { product: product.id, on_hand: listing.initial_stock, threshold: listing.low_stock_threshold };
    service::open(app, &tx, stock, actor.user, at).await?;
    idempotency::finish(&tx, request, &product.id).await?;
    tx.commit().await?;
    Ok(product)
}

/// Changes a product, and from when its stock is low.
///
/// # Errors
/// `NOT_FOUND` for a product that the actor may not manage, or the category; `INVALID_INPUT` at the field.
pub async fn change(
    app: &App,
    actor: &Actor,
    id: Uuid,
    changes: Changes,
    low_stock_threshold: Option<i32>,
) -> Result<product::Model> {
    let low_stock_threshold = low_stock_threshold.map(threshold).transpose()?;
    db::retry(|| change_once(app, actor, id, changes.clone(), low_stock_threshold)).await
}

async fn change_once(
    app: &App,
    actor: &Actor,
    id: Uuid,
    changes: Changes,
    low_stock_threshold: Option<i32>,
) -> Result<product::Model> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    // read without a lock: a product never changes its seller
    catalog::service::find_managed(&*tx, actor, id).await?;
    // whose change is recorded, under the locks in their order: stock, then product
    let before = if actor.role == Role::Admin { Some(service::lock_described(&tx, id).await?) } else { None };
    if let Some(threshold) = low_stock_threshold {
        service::set_threshold(app, &tx, id, threshold, actor.user, at).await?;
    }
    let product = catalog::service::change(app, &tx, id, changes, at).await?;
    if before.is_some() {
        let after = Some(service::lock_described(&tx, id).await?);
        let (entry, target) = (app.ids.uuid(), Some((Kind::Product, id)));
        let by = (*actor).into();
        audit::append(&tx, NewEntry { id: entry, by, action: "product.update", target, before, after, at }).await?;
    }
    tx.commit().await?;
    Ok(product)
}

fn threshold(value: i32) -> Result<i32> {
    Ok(number("lowStockThreshold", value, 0, MAX_ON_HAND)?)
}
