//! A cart as it is at this moment.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::cart::{Item, Offer, Problem, appraise, cart_id};
use domain::money::Currency;
use domain::pricing::{Quote, quote};
use domain::promo::{Terms, Uses};
use entity::{cart, cart_line, product, promo};
use uuid::Uuid;

use crate::accounts::service as accounts;
use crate::app::App;
use crate::cart::{promos, repo};
use crate::catalog::service as catalog;
use crate::inventory::service as inventory;
use crate::platform::Result;
use crate::platform::error::Error;

/// A cart, priced now.
#[derive(Debug, Clone)]
pub struct CartView {
    /// Public as `crt_…`.
    pub id: Uuid,
    /// Of every sum.
    pub currency: Currency,
    /// In the order in which they were put in.
    pub lines: Vec<LineView>,
    /// Its sums.
    pub quote: Quote,
    /// The promo code that is applied.
    pub promo_code: Option<String>,
    /// What changed under it: by the line, from 0, or of the cart as a whole.
    pub problems: Vec<(Option<usize>, Problem)>,
    /// Goes up with every change that its customer makes.
    pub version: i32,
    /// When its customer last changed it; of one that never was, when they registered.
    pub updated_at: DateTime<Utc>,
}

/// A line of a cart, priced now.
#[derive(Debug, Clone)]
pub struct LineView {
    /// Public as `crt_…`.
    pub id: Uuid,
    /// The product as it is now.
    pub product: product::Model,
    /// Pieces.
    pub quantity: i32,
    /// What it counts, in minor units; 0 when it cannot be bought.
    pub total_minor: i64,
}

/// The cart of `customer`, read in the same few statements however much is in it.
///
/// # Errors
/// Faults of the database.
pub async fn view(app: &App, customer: Uuid) -> Result<CartView> {
    let db = app.db.reader();
    let Some(cart) = repo::find_cart(db, cart_id(customer)).await? else { return empty_view(app, customer).await };
    // after its version: what is told may be newer than it says, but never older
    let lines = repo::list_lines(db, cart.id).await?;
    let (products, stocks) = offers(app, &lines).await?;
    let promo = match cart.promo_id {
        Some(id) => Some(promo_of(app, id, customer).await?),
        None => None,
    };
    let now = app.clock.db_now(db).await?;
    priced(app, &cart, lines, (products, stocks), promo.as_ref(), now)
}

/// A cart with nothing in it, of somebody who has none.
///
/// # Errors
/// Faults of the database.
pub async fn empty_view(app: &App, user: Uuid) -> Result<CartView> {
    let user_row = accounts::find_user(app.db.reader(), user).await?;
    Ok(CartView {
        id: cart_id(user),
        currency: app.config.currency,
        lines: Vec::new(),
        quote: quote(&[], 0, app.config.prices),
        promo_code: None,
        problems: Vec::new(),
        version: 0,
        updated_at: user_row.map_or(DateTime::UNIX_EPOCH, |user| user.created_at),
    })
}

type Offers = (HashMap<Uuid, product::Model>, HashMap<Uuid, i32>);

/// The products of `lines`, and how many of each can be had.
async fn offers(app: &App, lines: &[cart_line::Model]) -> Result<Offers> {
    let ids: Vec<Uuid> = lines.iter().map(|line| line.product_id).collect();
    if ids.is_empty() {
        return Ok(Offers::default());
    }
    let products = catalog::list_by_ids(app.db.reader(), &ids).await?;
    let stocks = inventory::list_stocks(app, &ids).await?;
    Ok((
        products.into_iter().map(|product| (product.id, product)).collect(),
        stocks.iter().map(|stock| (stock.product_id, inventory::available(stock))).collect(),
    ))
}

async fn promo_of(app: &App, id: Uuid, customer: Uuid) -> Result<(promo::Model, Uses)> {
    let db = app.db.reader();
    let promo = repo::promos::find_promo(db, id).await?;
    let promo = promo.ok_or_else(|| Error::fault("reading the promo code of a cart", "it does not exist"))?;
    let uses = Uses { all: promo.uses, customer: repo::promos::find_uses(db, id, customer).await? };
    Ok((promo, uses))
}

fn priced(
    app: &App,
    cart: &cart::Model,
    lines: Vec<cart_line::Model>,
    (mut products, stocks): Offers,
    promo: Option<&(promo::Model, Uses)>,
    now: DateTime<Utc>,
) -> Result<CartView> {
    let currency = app.config.currency;
    let mut items = Vec::with_capacity(lines.len());
    let mut shown = Vec::with_capacity(lines.len());
    for line in lines {
        let product = products.remove(&line.product_id);
        let product = product.ok_or_else(|| Error::fault("reading a product of a cart", "it does not exist"))?;
        let is_on_sale = product.is_active && *product.currency == currency;
        let available = stocks.get(&product.id).copied().unwrap_or(0);
        let offer = is_on_sale.then_some(Offer { unit_minor: product.price_minor, available });
        let item = Item { quantity: line.quantity, seen_minor: line.unit_minor, offer };
        let total_minor = item.priced().map_or(0, domain::pricing::Line::total_minor);
        shown.push(LineView { id: line.id, product, quantity: line.quantity, total_minor });
        items.push(item);
    }
    let terms: Option<(Terms, Uses)> = promo.map(|(promo, uses)| (promos::terms(promo, currency), *uses));
    let appraisal = appraise(&items, terms, app.config.prices, now);
    Ok(CartView {
        id: cart.id,
        currency,
        lines: shown,
        quote: appraisal.quote,
        promo_code: promo.map(|(promo, _)| promo.code.clone()),
        problems: appraisal.problems,
        version: cart.version,
        updated_at: cart.updated_at,
    })
}
