//! Use-cases of a cart.

mod view;

use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::cart::{MAX_LINES, MAX_QUANTITY, cart_id};
use domain::input;
use entity::{cart, cart_line, product};
use uuid::Uuid;

use super::error::CartError;
use super::{event, promos, repo};
use crate::app::App;
use crate::catalog::service as catalog;
use crate::inventory::service as inventory;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};

pub use view::{CartView, LineView, empty_view, view};

/// Sets how many of `product` are in the actor's cart, at its price of now; none takes it out.
///
/// # Errors
/// `INVALID_INPUT` for the quantity, a full cart or another store's product; `PRODUCT_UNAVAILABLE`; `INSUFFICIENT_STOCK` with
/// what is left.
pub async fn set_line(app: &App, actor: Actor, product: Uuid, quantity: i32) -> Result<CartView> {
    input::number("quantity", quantity, 0, MAX_QUANTITY)?;
    if quantity == 0 {
        retry(|| remove_once(app, actor.user, product)).await?;
    } else {
        let product = find_offered(app, product, quantity).await?;
        retry(|| set_once(app, actor.user, &product, quantity)).await?;
    }
    view(app, actor.user).await
}

/// The product, when so many can be had now. That is advice: what can be had when the order is placed decides.
async fn find_offered(app: &App, product: Uuid, quantity: i32) -> Result<product::Model> {
    let found = catalog::list_by_ids(app.db.reader(), &[product]).await?.pop();
    let found = found.filter(|found| found.is_active && *found.currency == app.config.currency);
    let found = found.ok_or(CartError::Unavailable)?;
    let available = inventory::list_stocks(app, &[product]).await?.first().map_or(0, inventory::available);
    if available < quantity {
        return Err(CartError::Short { product, requested: quantity, available }.into());
    }
    Ok(found)
}

async fn set_once(app: &App, customer: Uuid, product: &product::Model, quantity: i32) -> Result<()> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    let cart = cart_id(customer);
    // whoever sets another line of this cart waits here, so what is read next stays true
    repo::upsert_cart(&*tx, new_cart(customer, at)).await?;
    let lines = repo::list_lines(&*tx, cart).await?;
    if !lines.iter().any(|line| line.product_id == product.id) {
        if lines.len() >= MAX_LINES {
            return Err(CartError::Full.into());
        }
        let first = lines.first().map(|line| line.product_id);
        let first = catalog::list_by_ids(&*tx, first.as_slice()).await?;
        if first.iter().any(|first| first.seller_id != product.seller_id) {
            return Err(CartError::OtherSeller.into());
        }
    }
    let line = cart_line::Model {
        id: app.ids.uuid(),
        cart_id: cart,
        product_id: product.id,
        quantity,
        unit_minor: product.price_minor,
        added_at: at,
    };
    repo::upsert_line(&*tx, line).await?;
    event::cart_changed(&tx, &app.ids, customer, at).await?;
    tx.commit().await
}

async fn remove_once(app: &App, customer: Uuid, product: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    let cart = cart_id(customer);
    if repo::update_version(&*tx, cart, at).await? && repo::delete_line(&*tx, cart, product).await? {
        event::cart_changed(&tx, &app.ids, customer, at).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Empties the actor's cart; its promo code goes with the lines.
///
/// # Errors
/// Faults of the database.
pub async fn clear(app: &App, actor: Actor) -> Result<CartView> {
    retry(|| clear_once(app, actor.user)).await?;
    view(app, actor.user).await
}

async fn clear_once(app: &App, customer: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    if let Some(cart) = repo::lock_cart(&*tx, cart_id(customer)).await? {
        empty(app, &tx, &cart, at).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Applies the promo code `code` to the actor's cart instead of the one it has; none takes that off.
///
/// # Errors
/// `PROMO_INVALID` at `code` when it would take nothing off now, and why.
pub async fn apply_promo(app: &App, actor: Actor, code: Option<&str>) -> Result<CartView> {
    let promo = match code {
        Some(code) => {
            let subtotal = view(app, actor.user).await?.quote.subtotal_minor;
            Some(promos::find_valid(app, actor.user, code, subtotal).await?.id)
        }
        None => None,
    };
    retry(|| apply_once(app, actor.user, promo)).await?;
    view(app, actor.user).await
}

async fn apply_once(app: &App, customer: Uuid, promo: Option<Uuid>) -> Result<()> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    repo::upsert_cart(&*tx, new_cart(customer, at)).await?;
    repo::update_promo(&*tx, cart_id(customer), promo).await?;
    event::cart_changed(&tx, &app.ids, customer, at).await?;
    tx.commit().await
}

fn new_cart(customer: Uuid, at: DateTime<Utc>) -> cart::Model {
    cart::Model { id: cart_id(customer), customer_id: customer, promo_id: None, version: 1, updated_at: at }
}

/// The cart of `customer` with its lines, held against every other change until `tx` ends; `None` when there is nothing in it.
///
/// # Errors
/// Faults of the database.
pub async fn lock(tx: &Tx, customer: Uuid) -> Result<Option<(cart::Model, Vec<cart_line::Model>)>> {
    let Some(cart) = repo::lock_cart(&**tx, cart_id(customer)).await? else { return Ok(None) };
    let lines = repo::list_lines(&**tx, cart.id).await?;
    Ok((!lines.is_empty()).then_some((cart, lines)))
}

/// Empties a cart, and tells whoever follows it.
///
/// # Errors
/// Faults of the database.
pub async fn empty(app: &App, tx: &Tx, cart: &cart::Model, at: DateTime<Utc>) -> Result<()> {
    repo::update_version(&**tx, cart.id, at).await?;
    repo::delete_lines(&**tx, cart.id).await?;
    repo::update_promo(&**tx, cart.id, None).await?;
    event::cart_changed(tx, &app.ids, cart.customer_id, at).await
}
