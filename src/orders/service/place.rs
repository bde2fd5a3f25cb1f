//! Placing an order.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Actor;
use domain::error::Rejection;
use domain::geo::Point;
use domain::input;
use domain::money::{Currency, Money};
use domain::order::{OrderEventType, OrderStatus, PaymentMethod, PaymentStatus, Preparation};
use domain::pricing::{Line, Quote, quote};
use entity::json::DeliveryAddress;
use entity::{Text, order, order_item, product, seller};
use rust_decimal::Decimal;
use sea_orm::SqlErr;
use serde::Serialize;
use uuid::Uuid;

use super::change::{Before, Cause, record};
use crate::accounts::service::{self as accounts, NewAddress};
use crate::app::App;
use crate::catalog::service as catalog;
use crate::inventory::service as inventory;
use crate::orders::error::OrderError;
use crate::orders::repo::orders as repo;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::error::{Error, Fault};
use crate::platform::idempotency::{self, Begun, Request};
use crate::platform::ids::Ids;

/// The most lines of one order.
const MAX_LINES: usize = 100;

/// The most pieces of one line.
const MAX_QUANTITY: i32 = 1_000;

/// Letters and digits that are not taken for one another when read aloud: Crockford's base32.
const NUMBER_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a customer asks for.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// What to buy; one line a product.
    pub lines: Vec<PlaceLine>,
    /// A saved address.
    pub address_id: Option<Uuid>,
    /// Or a new one, checked.
    pub address: Option<NewAddress>,
    /// How it is paid.
    pub payment_method: PaymentMethod,
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

/// Places an order once, however often it is asked for under one key: prices it, takes the stock, and moves it as far as it
/// goes by itself.
///
/// # Errors
/// What [`OrderError`] and the stock say; nothing is taken then.
pub async fn place(app: &App, actor: Actor, key: &str, place: Place) -> Result<order::Model> {
    check(&place)?;
    if place.payment_method != PaymentMethod::CashOnDelivery && app.config.payments.provider.is_none() {
        return Err(OrderError::PaymentMethod.into());
    }
    let request = Request::new(actor.user, "placeOrder", key, &place)?;
    loop {
        match retry(|| place_once(app, actor, &request, &place)).await {
            // one in thirty billion: another order has the number that was drawn
            Err(Error::Fault(fault)) if is_number_taken(&fault) => {}
            outcome => return outcome,
        }
    }
}

fn is_number_taken(fault: &Fault) -> bool {
    let error = fault.source.downcast_ref::<sea_orm::DbErr>().and_then(sea_orm::DbErr::sql_err);
    // PostgreSQL names the index, SQLite the column
    matches!(error, Some(SqlErr::UniqueConstraintViolation(text)) if text.contains("orders_number") || text.contains("orders.number"))
}

fn check(place: &Place) -> Result<()> {
    if place.lines.is_empty() {
        return Err(OrderError::Empty.into());
    }
    input::list("items", &place.lines, MAX_LINES)?;
    for (index, line) in place.lines.iter().enumerate() {
        input::number(&format!("items.{index}.quantity"), line.quantity, 1, MAX_QUANTITY)?;
        if place.lines[..index].iter().any(|earlier| earlier.product == line.product) {
            return Err(OrderError::Twice { line: index }.into());
        }
    }
    if place.address_id.is_some() == place.address.is_some() {
        return Err(OrderError::Address.into());
    }
    Ok(())
}

async fn place_once(app: &App, actor: Actor, request: &Request, place: &Place) -> Result<order::Model> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    if let Begun::Done(id) = idempotency::begin::<Uuid>(&tx, request, at).await? {
        return repo::find_order(&*tx, id).await?.ok_or_else(|| OrderError::NotFound.into());
    }
    let (products, seller) = goods(&tx, &place.lines, app.config.currency).await?;
    let address = address(app, &tx, actor, place).await?;
    let priced: Vec<Line> = products
        .iter()
        .zip(&place.lines)
        .map(|(product, line)| Line { unit_minor: product.price_minor, quantity: line.quantity })
        .collect();
    let quote = quote(&priced, 0, app.config.prices);
    expect_total(app, place.expected_total, quote)?;
    let new = New { app, actor, seller: &seller, address, quote, place, at };
    let mut order = new.order();
    let items = new.items(order.id, &products);
    let lines: Vec<inventory::Line> =
        place.lines.iter().map(|line| inventory::Line { product: line.product, quantity: line.quantity }).collect();
    let steps: &[OrderStatus] = if place.payment_method == PaymentMethod::CashOnDelivery {
        inventory::sell(app, &tx, &lines, order.id, actor.user, at).await?;
        first_steps(*seller.preparation)
    } else {
        inventory::promise(app, &tx, &lines, at).await?;
        let window = TimeDelta::from_std(app.config.payments.window).unwrap_or(TimeDelta::MAX / 4);
        order.payment_due_at = Some(at + window);
        &[OrderStatus::Pending]
    };
    order.version = i32::try_from(steps.len()).unwrap_or(1);
    order.status = Text(steps.last().copied().unwrap_or(OrderStatus::Pending));
    order.ready_at = (*order.status == OrderStatus::Ready).then_some(at);
    repo::insert_order(&*tx, order.clone(), items).await?;
    record_steps(app, &tx, &order, steps, actor, at).await?;
    idempotency::finish(&tx, request, &order.id).await?;
    tx.commit().await?;
    Ok(order)
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

/// The products of the lines, in their order, and the one seller of all. What is priced in another currency than the
/// platform's, which may have been changed, cannot be bought.
async fn goods(tx: &Tx, lines: &[PlaceLine], currency: Currency) -> Result<(Vec<product::Model>, seller::Model)> {
    let ids: Vec<Uuid> = lines.iter().map(|line| line.product).collect();
    let found = catalog::list_by_ids(&**tx, &ids).await?;
    let mut products: Vec<product::Model> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let product =
            found.iter().find(|product| product.id == line.product && product.is_active && *product.currency == currency);
        let product = product.ok_or(OrderError::Unavailable { line: index })?;
        if products.first().is_some_and(|first| first.seller_id != product.seller_id) {
            return Err(OrderError::OtherSeller { line: index }.into());
        }
        products.push(product.clone());
    }
    let seller = products.first().map(|product| product.seller_id).ok_or(OrderError::Empty)?;
    let seller = accounts::find_seller(&**tx, seller).await?.ok_or(OrderError::Unavailable { line: 0 })?;
    Ok((products, seller))
}

async fn address(app: &App, tx: &Tx, actor: Actor, place: &Place) -> Result<DeliveryAddress> {
    if let Some(new) = &place.address {
        let point = new.point.ok_or(OrderError::NoLocation)?;
        let new = new.clone();
        return Ok(DeliveryAddress {
            id: app.ids.uuid(),
            label: new.label,
            line1: new.line1,
            line2: new.line2,
            city: new.city,
            region: new.region,
            postal_code: new.postal_code,
            country: new.country,
            latitude: point.latitude,
            longitude: point.longitude,
            instructions: new.instructions,
        });
    }
    let id = place.address_id.ok_or(OrderError::Address)?;
    let saved = accounts::find_address(&**tx, actor.user, id).await?.ok_or(OrderError::NoSuchAddress)?;
    let (Some(latitude), Some(longitude)) = (saved.latitude, saved.longitude) else {
        return Err(Rejection::from(OrderError::NoLocation).at("addressId").into());
    };
    Ok(DeliveryAddress {
        // an id of its own: the saved address may change, this copy does not
        id: app.ids.uuid(),
        label: saved.label,
        line1: saved.line1,
        line2: saved.line2,
        city: saved.city,
        region: saved.region,
        postal_code: saved.postal_code,
        country: saved.country,
        latitude,
        longitude,
        instructions: saved.instructions,
    })
}

fn expect_total(app: &App, expected: Option<Decimal>, quote: Quote) -> Result<()> {
    let total = Money::new(quote.total_minor, app.config.currency).to_decimal();
    match expected {
        Some(expected) if expected != total => Err(OrderError::TotalChanged { total: total.to_string() }.into()),
        _ => Ok(()),
    }
}

/// All that a new order is made of.
struct New<'a> {
    app: &'a App,
    actor: Actor,
    seller: &'a seller::Model,
    address: DeliveryAddress,
    quote: Quote,
    place: &'a Place,
    at: DateTime<Utc>,
}

impl New<'_> {
    fn order(&self) -> order::Model {
        let Self { app, seller, address, quote, place, at, .. } = self;
        let pickup = Point { latitude: seller.latitude, longitude: seller.longitude };
        let dropoff = Point { latitude: address.latitude, longitude: address.longitude };
        #[expect(clippy::cast_possible_truncation, reason = "half the earth's circumference in metres fits")]
        let distance_m = pickup.distance_m(dropoff).round() as i64;
        order::Model {
            id: app.ids.uuid(),
            number: number(&app.ids),
            version: 1,
            status: Text(OrderStatus::Pending),
            customer_id: self.actor.user,
            seller_id: seller.id,
            claim_id: None,
            claim_status: None,
            claim_expires_at: None,
            partner_id: None,
            currency: Text(app.config.currency),
            subtotal_minor: quote.subtotal_minor,
            discount_minor: quote.discount_minor,
            delivery_fee_minor: quote.delivery_fee_minor,
            tax_minor: quote.tax_minor,
            total_minor: quote.total_minor,
            payout_minor: app.config.payout.payout_minor(distance_m),
            item_count: place.lines.iter().map(|line| line.quantity).sum(),
            payment_method: Text(place.payment_method),
            payment_status: Text(PaymentStatus::Pending),
            payment_due_at: None,
            promo_id: None,
            promo_code: None,
            delivery_address: address.clone(),
            store_name: seller.store_name.clone(),
            pickup_latitude: pickup.latitude,
            pickup_longitude: pickup.longitude,
            dropoff_latitude: dropoff.latitude,
            dropoff_longitude: dropoff.longitude,
            distance_m,
            proof_failures: 0,
            delivery_code: format!("{:04}", app.ids.below(10_000)),
            note: place.note.clone(),
            created_at: *at,
            updated_at: *at,
            ready_at: None,
            delivered_at: None,
        }
    }

    fn items(&self, order: Uuid, products: &[product::Model]) -> Vec<order_item::Model> {
        let lines = products.iter().zip(&self.place.lines);
        (0..)
            .zip(lines)
            .map(|(position, (product, line))| order_item::Model {
                id: self.app.ids.uuid(),
                order_id: order,
                product_id: product.id,
                position,
                name: product.name.clone(),
                sku: product.sku.clone(),
                quantity: line.quantity,
                unit_minor: product.price_minor,
                line_minor: Line { unit_minor: product.price_minor, quantity: line.quantity }.total_minor(),
            })
            .collect()
    }
}

/// A number such as `QC-7F3K-29B`.
fn number(ids: &Ids) -> String {
    let letters: String = ids.bytes::<7>().iter().map(|byte| char::from(NUMBER_ALPHABET[usize::from(byte & 31)])).collect();
    let (head, tail) = letters.split_at(4);
    format!("QC-{head}-{tail}")
}
