//! Placing an order.

mod address;
mod basket;
mod new;

use chrono::{DateTime, Utc};
use domain::Named as _;
use domain::access::Actor;
use domain::cart::{MAX_LINES, MAX_QUANTITY};
use domain::input;
use domain::money::Money;
use domain::order::{OrderEventType, OrderStatus, PaymentMethod, Preparation};
use domain::pricing::{Line, Quote, quote};
use entity::{Text, order};
use rust_decimal::Decimal;
use sea_orm::SqlErr;
use serde::Serialize;
use uuid::Uuid;

use self::address::address;
use self::basket::{Basket, goods, is_still_sold};
use self::new::New;
use super::change::{Before, Cause, record};
use crate::accounts::service::NewAddress;
use crate::app::App;
use crate::cart::promos::{self, Redemption};
use crate::cart::service as carts;
use crate::inventory::service as inventory;
use crate::orders::error::OrderError;
use crate::orders::repo::orders as repo;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::error::{Error, Fault};
use crate::platform::idempotency::{self, Begun, Request};

/// What a customer asks for.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// What to buy, one line a product; what is in the customer's cart when there are none.
    pub lines: Option<Vec<PlaceLine>>,
    /// A saved address.
    pub address_id: Option<Uuid>,
    /// Or a new one, checked.
    pub address: Option<NewAddress>,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// A promo code to use; of an order of the cart, instead of the cart's.
    pub promo_code: Option<String>,
    /// For the store and the partner.
    pub note: Option<String>,
    /// Refuse when the total is not this.
    pub expected_total: Option<Decimal>,
}

/// So many of a product.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PlaceLine {
    /// The product.
    pub product: Uuid,
    /// How many.
    pub quantity: i32,
}

/// Places an order once, however often it is asked for under one key: prices it, uses its promo code, takes the stock, and moves
/// it as far as it goes by itself. What is to be paid in advance waits for its payment with its goods promised. The cart that it
/// was made of is empty then.
///
/// # Errors
/// What [`OrderError`], the promo code and the stock say; nothing is taken then.
pub async fn place(app: &App, actor: Actor, key: &str, place: Place) -> Result<order::Model> {
    check(&place)?;
    // 5 and 5.00 are the same request
    let place = Place { expected_total: place.expected_total.map(|total| total.normalize()), ..place };
    if !is_offered(app, place.payment_method) {
        return Err(OrderError::PaymentMethod.into());
    }
    let request = Request::new(actor.principal(), "placeOrder", key, &place)?;
    loop {
        match retry(|| place_once(app, actor, &request, &place)).await {
            // one in thirty billion: another order has the number that was drawn
            Err(Error::Fault(fault)) if is_number_taken(&fault) => {}
            // what it was about to buy changed while it waited for its turn: again from the start, with what is true now
            Ok(None) => {}
            Ok(Some(order)) => return Ok(order),
            Err(error) => return Err(error),
        }
    }
}

fn is_number_taken(fault: &Fault) -> bool {
    let error = fault.source.downcast_ref::<sea_orm::DbErr>().and_then(sea_orm::DbErr::sql_err);
    // PostgreSQL names the index, SQLite the column
    matches!(error, Some(SqlErr::UniqueConstraintViolation(text)) if text.contains("orders_number") || text.contains("orders.number"))
}

fn check(place: &Place) -> Result<()> {
    if let Some(lines) = &place.lines {
        if lines.is_empty() {
            return Err(OrderError::Empty.into());
        }
        input::list("items", lines, MAX_LINES)?;
        for (index, line) in lines.iter().enumerate() {
            input::number(&format!("items.{index}.quantity"), line.quantity, 1, MAX_QUANTITY)?;
            if lines[..index].iter().any(|earlier| earlier.product == line.product) {
                return Err(OrderError::Twice { line: index }.into());
            }
        }
    }
    if place.address_id.is_some() == place.address.is_some() {
        return Err(OrderError::Address.into());
    }
    Ok(())
}

/// Places it; `None` when it has to be begun anew.
async fn place_once(app: &App, actor: Actor, request: &Request, place: &Place) -> Result<Option<order::Model>> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    if let Begun::Done(id) = idempotency::begin::<Uuid>(&tx, request, at).await? {
        return repo::find_order(&*tx, id).await?.map(Some).ok_or_else(|| OrderError::NotFound.into());
    }
    // locks in one order, whoever else is at work: the cart, the promo code, the stocks
    let basket = Basket::of(&tx, actor, place).await?;
    let (products, seller) = goods(&tx, &basket.lines, app.config.currency).await.map_err(|error| basket.naming(error))?;
    let address = address(app, &tx, actor, place).await?;
    let priced: Vec<Line> = products
        .iter()
        .zip(&basket.lines)
        .map(|(product, line)| Line { unit_minor: product.price_minor, quantity: line.quantity })
        .collect();
    let id = app.ids.uuid();
    let mut priced_at = quote(&priced, 0, app.config.prices);
    let mut promo = None;
    if let Some(which) = basket.promo(place) {
        let subtotal_minor = priced_at.subtotal_minor;
        let redemption = Redemption { order: id, customer: actor.user, subtotal_minor, at };
        let redeemed = promos::redeem(app, &tx, which, redemption).await?;
        priced_at = quote(&priced, redeemed.discount_minor, app.config.prices);
        promo = Some(redeemed);
    }
    let new = New { app, id, actor, seller: &seller, address, lines: &basket.lines, quote: priced_at, promo, place, at };
    let mut order = new.order();
    let items = new.items(&products);
    let lines: Vec<inventory::Line> =
        basket.lines.iter().map(|line| inventory::Line { product: line.product, quantity: line.quantity }).collect();
    let is_awaited = new.is_awaited();
    let taken = if is_awaited {
        inventory::promise(app, &tx, &lines, at).await
    } else {
        inventory::sell(app, &tx, &lines, id, actor.user, at).await
    };
    taken.map_err(|error| basket.naming(error))?;
    if !is_still_sold(&tx, &products).await? {
        return Ok(None);
    }
    if is_awaited {
        // from when nothing is waited for any more: another's lock takes no time from whoever has to pay
        order.payment_due_at = Some(app.clock.db_now(&*tx).await? + app.config.payments.window);
    }
    // after the stock: what cannot be had is no surprise of the total, which counts it in
    expect_total(app, place.expected_total, priced_at, basket.has_new_prices(&products))?;
    let steps = if is_awaited { &[OrderStatus::Pending] } else { first_steps(*seller.preparation) };
    order.version = i32::try_from(steps.len()).unwrap_or(1);
    order.status = Text(steps.last().copied().unwrap_or(OrderStatus::Pending));
    order.ready_at = (*order.status == OrderStatus::Ready).then_some(at);
    repo::insert_order(&*tx, order.clone(), items).await?;
    record_steps(app, &tx, &order, steps, actor, at).await?;
    if let Some(cart) = &basket.cart {
        carts::empty(app, &tx, cart, at).await?;
    }
    idempotency::finish(&tx, request, &order.id).await?;
    tx.commit().await?;
    Ok(Some(order))
}

/// How orders can be paid here: in advance only where there is a provider to pay through.
#[must_use]
pub fn list_methods(app: &App) -> Vec<PaymentMethod> {
    PaymentMethod::ALL.iter().copied().filter(|method| is_offered(app, *method)).collect()
}

fn is_offered(app: &App, method: PaymentMethod) -> bool {
    !is_paid_in_advance(method) || app.config.payments.provider.is_some()
}

/// Whether an order waits for its payment, which keeps its goods promised for so long.
const fn is_paid_in_advance(method: PaymentMethod) -> bool {
    !matches!(method, PaymentMethod::CashOnDelivery)
}

/// The steps that an order payable on delivery takes when it is placed: it is certain at once, and packed at once where the
/// store does not ask to do that itself.
pub(super) const fn first_steps(preparation: Preparation) -> &'static [OrderStatus] {
    use OrderStatus::{Confirmed, Pending, Preparing, Ready};
    match preparation {
        Preparation::Automatic => &[Pending, Confirmed, Preparing, Ready],
        Preparation::Manual => &[Pending, Confirmed],
    }
}

/// One version and event for each step, as if they had been taken one after the other.
async fn record_steps(
    app: &App,
    tx: &Tx,
    order: &order::Model,
    steps: &[OrderStatus],
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<()> {
    let mut before: Option<Before> = None;
    for (version, status) in (1..).zip(steps) {
        let mut after = order.clone();
        after.version = version;
        after.status = Text(*status);
        after.ready_at = (*status == OrderStatus::Ready).then_some(at);
        let r#type = status.arrival();
        let by = (r#type == OrderEventType::Placed).then_some(actor);
        record(app, tx, before, &after, Cause { r#type, actor: by, note: None, at }).await?;
        before = Some(Before::from(&after));
    }
    Ok(())
}

/// The total must be the one that the customer expects, who needs to have said so when prices in their cart have changed.
fn expect_total(app: &App, expected: Option<Decimal>, quote: Quote, has_new_prices: bool) -> Result<()> {
    let total = Money::new(quote.total_minor, app.config.currency).to_decimal();
    let is_surprise = expected.map_or(has_new_prices, |expected| expected != total);
    if is_surprise { Err(OrderError::TotalChanged { total: total.to_string() }.into()) } else { Ok(()) }
}
