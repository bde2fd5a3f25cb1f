//! Use-cases of the inventory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::access::{Actor, Role};
use domain::id::{Kind, encode};
use domain::input;
use domain::stock::{MAX_ON_HAND, StockMovementReason};
use entity::{product, stock, stock_movement};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::SelectStatement;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::InventoryError;
use super::event;
use super::repo::{self, Move};
use crate::app::App;
use crate::catalog;
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{self, Tx};
use crate::platform::idempotency::{self, Begun};
use crate::platform::page::{Page, PageArgs};

/// Pieces of one product in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The product.
    pub product: Uuid,
    /// How many, at least one.
    pub quantity: i32,
}

/// What a person says happened to the stock of a product.
#[derive(Debug, Clone, Serialize)]
pub struct Adjustment {
    /// The product.
    pub product: Uuid,
    /// Pieces in (positive) or out.
    pub delta: i32,
    /// Why.
    pub reason: StockMovementReason,
    /// In the actor's words.
    pub note: Option<String>,
    /// What the actor believes is on hand; anything else is refused.
    pub expected_on_hand: Option<i32>,
}

/// The stock that a new product begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewStock {
    /// The product.
    pub product: Uuid,
    /// Pieces in the store.
    pub on_hand: i32,
    /// At or below this the stock is low.
    pub threshold: i32,
}

impl From<NewStock> for stock::Model {
    fn from(NewStock { product, on_hand, threshold }: NewStock) -> Self {
        let is_low = on_hand <= threshold;
        // one that begins low has not fallen
        Self { product_id: product, on_hand, reserved: 0, low_stock_threshold: threshold, is_low, was_low: is_low }
    }
}

/// What a line of the ledger says besides the numbers.
#[derive(Debug, Clone)]
struct Cause {
    reason: StockMovementReason,
    actor: Option<Uuid>,
    order: Option<Uuid>,
    note: Option<String>,
    at: DateTime<Utc>,
}

/// What can be bought: on hand less what is promised to unpaid orders.
#[must_use]
pub fn available(stock: &stock::Model) -> i32 {
    (stock.on_hand - stock.reserved).max(0)
}

/// The ids of products that can be bought, or of those that cannot: a filter for lists of the catalogue.
#[must_use]
pub fn in_stock(is_in_stock: bool) -> SelectStatement {
    repo::select_products_in_stock(is_in_stock)
}

/// The ids of products whose stock is low: a filter for lists of the catalogue.
#[must_use]
pub fn low() -> SelectStatement {
    repo::select_low_products()
}

/// The stocks of `products`, in no order.
///
/// # Errors
/// Faults of the database.
pub async fn list_stocks(app: &App, products: &[Uuid]) -> Result<Vec<stock::Model>> {
    repo::list_stocks(app.db.reader(), products).await
}

/// The same, read from `db`: of a transaction, what it sees.
///
/// # Errors
/// Faults of the database.
pub async fn list_stocks_in(db: &impl ConnectionTrait, products: &[Uuid]) -> Result<Vec<stock::Model>> {
    repo::list_stocks(db, products).await
}

/// A page of the ledger of `product`, newest first.
///
/// # Errors
/// Faults of the database.
pub async fn list_movements(app: &App, product: Uuid, page: &PageArgs) -> Result<Page<stock_movement::Model>> {
    repo::list_movements(app.db.reader(), product, page).await
}

/// The newest `limit` lines of the ledger of each of `products`, newest first. [`start_of_ledger`] makes a page of them.
///
/// # Errors
/// Faults of the database.
pub async fn list_newest_movements(app: &App, products: &[Uuid], limit: u64) -> Result<Vec<stock_movement::Model>> {
    repo::list_newest_movements(app.db.reader(), products, limit).await
}

/// The page that begins a ledger, of its newest lines.
#[must_use]
pub fn start_of_ledger(newest: Vec<stock_movement::Model>, page: &PageArgs) -> Page<stock_movement::Model> {
    page.cut(newest, repo::movement_key)
}

/// Promises the pieces of an order that is yet to be paid, all lines or, when the caller drops `tx` on a refusal, none. They
/// stay on hand, and nobody else can have them, until [`sell_promised`] or [`release`].
///
/// # Errors
/// `INSUFFICIENT_STOCK` at `items.{place}.quantity` for the first product that is short, with what is available.
pub async fn promise(app: &App, tx: &Tx, lines: &[Line], at: DateTime<Utc>) -> Result<()> {
    let mut stocks = Vec::with_capacity(lines.len());
    for (place, Line { product, quantity }) in in_lock_order(lines) {
        let field = format!("items.{place}.quantity");
        let quantity = input::number(&field, quantity, 1, MAX_ON_HAND)?;
        let by = Move { reserved: quantity, ..Move::default() };
        let Some(stock) = repo::update_stock(&**tx, product, by, Some(repo::can_spare(quantity))).await? else {
            return Err(short(tx, field, product, quantity).await?.into());
        };
        stocks.push(stock);
    }
    moved(app, tx, &stocks, None, at).await
}

/// Takes the pieces that were promised to an order out of stock: it is paid. `actor` is none when nobody did it.
///
/// # Errors
/// Faults of the database.
pub async fn sell_promised(
    app: &App,
    tx: &Tx,
    lines: &[Line],
    order: Uuid,
    actor: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<()> {
    let cause = Cause { reason: StockMovementReason::Sold, actor, order: Some(order), note: None, at };
    let mut moves = Vec::with_capacity(lines.len());
    for (_, Line { product, quantity }) in in_lock_order(lines) {
        let by = Move { on_hand: -quantity, reserved: -quantity, ..Move::default() };
        moves.extend(repo::update_stock(&**tx, product, by, None).await?.map(|stock| (stock, -quantity)));
    }
    record(app, tx, moves, &cause).await?;
    count_sold(tx, lines, 1).await
}

/// Gives up what was promised to an order that is not to be paid any more.
///
/// # Errors
/// Faults of the database.
pub async fn release(app: &App, tx: &Tx, lines: &[Line], at: DateTime<Utc>) -> Result<()> {
    let mut stocks = Vec::with_capacity(lines.len());
    for (_, Line { product, quantity }) in in_lock_order(lines) {
        let by = Move { reserved: -quantity, ..Move::default() };
        stocks.extend(repo::update_stock(&**tx, product, by, None).await?);
    }
    moved(app, tx, &stocks, None, at).await
}

/// Takes the pieces of an order out of stock, all lines or, when the caller drops `tx` on a refusal, none.
///
/// # Errors
/// `INSUFFICIENT_STOCK` at `items.{place}.quantity` for the first product that is short, with what is available.
pub async fn sell(app: &App, tx: &Tx, lines: &[Line], order: Uuid, actor: Uuid, at: DateTime<Utc>) -> Result<()> {
    let cause = Cause { reason: StockMovementReason::Sold, actor: Some(actor), order: Some(order), note: None, at };
    let mut moves = Vec::with_capacity(lines.len());
    for (place, Line { product, quantity }) in in_lock_order(lines) {
        let field = format!("items.{place}.quantity");
        let quantity = input::number(&field, quantity, 1, MAX_ON_HAND)?;
        let by = Move { on_hand: -quantity, ..Move::default() };
        let Some(stock) = repo::update_stock(&**tx, product, by, Some(repo::can_spare(quantity))).await? else {
            return Err(short(tx, field, product, quantity).await?.into());
        };
        moves.push((stock, -quantity));
    }
    record(app, tx, moves, &cause).await?;
    count_sold(tx, lines, 1).await
}

/// Puts the pieces of a cancelled order back. `actor` is none when the server itself cancelled it.
///
/// # Errors
/// Faults of the database.
pub async fn put_back(
    app: &App,
    tx: &Tx,
    lines: &[Line],
    order: Uuid,
    actor: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<()> {
    let cause = Cause { reason: StockMovementReason::Cancelled, actor, order: Some(order), note: None, at };
    let mut moves = Vec::with_capacity(lines.len());
    for (_, Line { product, quantity }) in in_lock_order(lines) {
        // unconditional: what was sold can come back, even above what may be received
        let by = Move { on_hand: quantity, ..Move::default() };
        moves.extend(repo::update_stock(&**tx, product, by, None).await?.map(|stock| (stock, quantity)));
    }
    record(app, tx, moves, &cause).await?;
    count_sold(tx, lines, -1).await
}

/// Lines by ascending product, each with its place in `lines`.
fn in_lock_order(lines: &[Line]) -> Vec<(usize, Line)> {
    let mut lines: Vec<_> = lines.iter().copied().enumerate().collect();
    lines.sort_by_key(|(_, line)| line.product);
    lines
}

async fn short(tx: &Tx, field: String, product: Uuid, requested: i32) -> Result<InventoryError> {
    let available = repo::find_stock(&**tx, product).await?.map_or(0, |stock| available(&stock));
    Ok(InventoryError::Short { field, product, requested, available })
}

/// Opens the stock of a new product; what is there at once was received.
pub(super) async fn open(app: &App, tx: &Tx, new: NewStock, actor: Uuid, at: DateTime<Utc>) -> Result<()> {
    let (product, on_hand) = (new.product, new.on_hand);
    let stock = stock::Model::from(new);
    repo::insert_stock(&**tx, stock.clone()).await?;
    if on_hand > 0 {
        let cause = Cause { reason: StockMovementReason::Received, actor: Some(actor), order: None, note: None, at };
        return record(app, tx, vec![(stock, on_hand)], &cause).await;
    }
    catalog::event::product_changed(tx, &app.ids, product, at).await
}

/// A product with its stock for the record, both locked: what an admin may change of them.
pub(super) async fn lock_described(tx: &Tx, product: Uuid) -> Result<Value> {
    let threshold = repo::lock_stock(&**tx, product).await?.map(|stock| stock.low_stock_threshold);
    let row = catalog::service::lock(tx, product).await?;
    Ok(json!({
        "name": row.name, "description": row.description, "categoryId": encode(Kind::Category, row.category_id),
        "priceMinor": row.price_minor, "compareAtMinor": row.compare_at_minor, "currency": row.currency,
        "images": row.images, "tags": row.tags, "active": row.is_active, "lowStockThreshold": threshold,
    }))
}

/// Changes from when the stock of `product` is low.
pub(super) async fn set_threshold(
    app: &App,
    tx: &Tx,
    product: Uuid,
    threshold: i32,
    actor: Uuid,
    at: DateTime<Utc>,
) -> Result<()> {
    let by = Move { threshold: Some(threshold), ..Move::default() };
    match repo::update_stock(&**tx, product, by, None).await? {
        Some(stock) => moved(app, tx, &[stock], Some(actor), at).await,
        None => Ok(()),
    }
}

/// Counts the pieces of `lines` as sold, or with -1 as come back.
async fn count_sold(tx: &Tx, lines: &[Line], sign: i64) -> Result<()> {
    let pieces: BTreeMap<Uuid, i64> = lines.iter().map(|line| (line.product, sign * i64::from(line.quantity))).collect();
    catalog::service::count_sold(tx, &pieces).await
}

/// Writes lines of the ledger, each of a stock that has just moved by so many pieces, and tells everyone. The stocks are one
/// seller's.
async fn record(app: &App, tx: &Tx, moves: Vec<(stock::Model, i32)>, cause: &Cause) -> Result<()> {
    let line = |(stock, delta): &(stock::Model, i32)| stock_movement::Model {
        id: app.ids.uuid(),
        product_id: stock.product_id,
        delta: *delta,
        on_hand_after: stock.on_hand,
        reason: cause.reason.into(),
        actor_id: cause.actor,
        order_id: cause.order,
        note: cause.note.clone(),
        at: cause.at,
    };
    let movements: Vec<stock_movement::Model> = moves.iter().map(line).collect();
    repo::import::insert_movements(&**tx, &movements).await?;
    let stocks: Vec<stock::Model> = moves.into_iter().map(|(stock, _)| stock).collect();
    moved(app, tx, &stocks, cause.actor, cause.at).await
}

/// Tells everyone that `stocks`, which are one seller's, are now so, and the seller of those that have just fallen to their
/// threshold; `by` moved them.
async fn moved(app: &App, tx: &Tx, stocks: &[stock::Model], by: Option<Uuid>, at: DateTime<Utc>) -> Result<()> {
    let products: Vec<Uuid> = stocks.iter().map(|stock| stock.product_id).collect();
    catalog::event::products_changed(tx, &app.ids, &products, at).await?;
    let fallen: Vec<&stock::Model> = stocks.iter().filter(|stock| stock.is_low && !stock.was_low).collect();
    let Some(first) = fallen.first() else { return Ok(()) };
    match catalog::service::find_seller_of(&**tx, first.product_id).await? {
        Some(seller) => event::stocks_fell(app, tx, seller, &fallen, by, at).await,
        None => Ok(()),
    }
}

/// Adjusts stock by hand, once for each `key` of the actor.
///
/// # Errors
/// `INVALID_INPUT`; `NOT_FOUND` for a product that the actor may not manage; `VERSION_CONFLICT` when something else than
/// expected is on hand; `INSUFFICIENT_STOCK` when it would take what is promised or not there.
pub async fn adjust(app: &App, actor: &Actor, key: &str, adjustment: Adjustment) -> Result<product::Model> {
    if !adjustment.reason.is_manual() {
        return Err(InventoryError::NotManual.into());
    }
    if adjustment.delta == 0 {
        return Err(InventoryError::Nothing.into());
    }
    input::number("delta", adjustment.delta, -MAX_ON_HAND, MAX_ON_HAND)?;
    let note = adjustment.note.as_deref().map(|note| input::paragraph("note", note, 0, 500)).transpose()?;
    let adjustment = Adjustment { note: note.filter(|note| !note.is_empty()), ..adjustment };
    let request = idempotency::Request::new(actor.principal(), "adjustStock", key, &adjustment)?;
    db::retry(|| adjust_once(app, actor, &request, &adjustment)).await
}

async fn adjust_once(
    app: &App,
    actor: &Actor,
    request: &idempotency::Request,
    adjustment: &Adjustment,
) -> Result<product::Model> {
    let &Adjustment { product, delta, reason, ref note, expected_on_hand } = adjustment;
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    if let Begun::Done(id) = idempotency::begin(&tx, request, at).await? {
        return catalog::service::find_managed(&*tx, actor, id).await;
    }
    let found = catalog::service::find_managed(&*tx, actor, product).await?;
    let condition = repo::can_adjust(delta, MAX_ON_HAND, expected_on_hand);
    let by = Move { on_hand: delta, ..Move::default() };
    let Some(stock) = repo::update_stock(&*tx, product, by, Some(condition)).await? else {
        return Err(why_not_adjusted(repo::find_stock(&*tx, product).await?.as_ref(), adjustment).into());
    };
    let cause = Cause { reason, actor: Some(actor.user), order: None, note: note.clone(), at };
    let on_hand = stock.on_hand;
    record(app, &tx, vec![(stock, delta)], &cause).await?;
    if actor.role == Role::Admin {
        let (id, target) = (app.ids.uuid(), Some((Kind::Product, product)));
        let before = Some(json!({ "onHand": on_hand - delta }));
        let after = Some(json!({ "onHand": on_hand, "reason": reason, "note": note }));
        audit::append(&tx, NewEntry { id, by: (*actor).into(), action: "stock.adjust", target, before, after, at }).await?;
    }
    idempotency::finish(&tx, request, &product).await?;
    tx.commit().await?;
    Ok(found)
}

/// Which part of the condition did not hold, from what was read right after it.
fn why_not_adjusted(stock: Option<&stock::Model>, adjustment: &Adjustment) -> InventoryError {
    let (on_hand, available) = stock.map_or((0, 0), |stock| (stock.on_hand, available(stock)));
    match adjustment.expected_on_hand {
        Some(expected) if expected != on_hand => InventoryError::Moved(on_hand),
        _ if adjustment.delta > 0 => InventoryError::TooMany,
        _ => InventoryError::Short {
            field: "delta".to_owned(),
            product: adjustment.product,
            requested: -adjustment.delta,
            available,
        },
    }
}

/// The lines `ids` of stock ledgers.
///
/// # Errors
/// When the database fails.
pub async fn list_movements_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<stock_movement::Model>> {
    repo::list_movements_by_ids(db, ids).await
}
