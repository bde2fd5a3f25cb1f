//! Importing products: many at once, each row standing alone or all or nothing, with the stock that there is of each.
//!
//! A row that is refused stops no other: what can be refused is looked at under locks before anything of it is written, and
//! so all rows share one transaction and a few statements. Its locks are taken in the order of the whole platform: SKUs that
//! are new, by themselves; then stocks, then entries of the catalogue, both by ascending product.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::error::{ErrorCode, Rejection};
use domain::id::Kind;
use domain::input;
use domain::money::Currency;
use domain::stock::{MAX_ON_HAND, StockMovementReason};
use entity::{stock, stock_movement};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::error::InventoryError;
use super::event;
use super::listing::LOW_STOCK_THRESHOLD;
use super::repo::import as repo;
use super::service::{NewStock, available};
use crate::app::App;
use crate::catalog::import::{self as catalog, NewRow, Row, Whose};
use crate::platform::Result;
use crate::platform::audit::{self, By, NewEntry};
use crate::platform::db::{self, Tx};
use crate::platform::error::Denial;
use crate::platform::idempotency::{self, Begun, Request};

/// The most rows of one import.
pub const MAX_ROWS: usize = 1_000;

/// A product to make or to change, and how many there are of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportRow {
    /// What it is.
    pub product: NewRow,
    /// Pieces in the store now, those that are promised to unpaid orders among them.
    pub stock: i32,
}

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The rows; at most [`MAX_ROWS`].
    pub rows: Vec<ImportRow>,
    /// Whether nothing is to be written when a row is refused.
    pub is_all_or_nothing: bool,
}

/// What came of an import. Remembered with its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Products that are new.
    pub created: i32,
    /// Products that were there, whether or not anything about them was news.
    pub updated: i32,
    /// Rows that were refused, in their order.
    pub errors: Vec<RowError>,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Which; the first is 1.
    pub row: i32,
    /// Its SKU, where that is one that a product can have.
    pub sku: Option<String>,
    /// Why, as a client is told it.
    pub code: ErrorCode,
    /// The same for a person.
    pub message: String,
    /// The path of what is wrong within the row.
    pub field: Vec<String>,
}

impl From<RowError> for Rejection {
    fn from(error: RowError) -> Self {
        Self::new(error.code, error.message).at(&error.field.join("."))
    }
}

/// A row within every limit.
struct Checked {
    number: i32,
    row: Row,
    stock: i32,
}

/// Rows that may still be imported, and those that were refused.
struct Sheet<'a> {
    skus: &'a [Option<String>],
    errors: Vec<RowError>,
}

impl Sheet<'_> {
    /// Refuses the row `number`.
    fn refuse(&mut self, number: i32, why: Rejection) {
        let place = usize::try_from(number - 1).unwrap_or_default();
        let Rejection { code, message, field, .. } = why;
        let sku = self.skus.get(place).cloned().flatten();
        self.errors.push(RowError { row: number, sku, code, message, field });
    }
}

/// Imports products of the actor's store, once for each `key`: the outcome of the first time answers every other.
///
/// # Errors
/// `FORBIDDEN` for an actor without a store; `INVALID_INPUT` for too many rows; `IDEMPOTENCY_MISMATCH`. What is wrong with
/// rows is no error: it is in the outcome.
pub async fn import(app: &App, actor: &Actor, key: &str, import: &Import) -> Result<Imported> {
    let seller = actor.seller.ok_or(Denial::Forbidden)?;
    let batch = Batch::new(app, actor.user, seller, import)?;
    let request = Request::new(actor.principal(), "importProducts", key, import)?;
    db::retry(|| import_once(app, &batch, &request)).await
}

async fn import_once(app: &App, batch: &Batch<'_>, request: &Request) -> Result<Imported> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    if let Begun::Done(imported) = idempotency::begin(&tx, request, at).await? {
        return Ok(imported);
    }
    let imported = batch.write(app, &tx, at).await?;
    // all or nothing, and so not the key: refusals are not remembered
    if batch.import.is_all_or_nothing && !imported.errors.is_empty() {
        return Ok(Imported { created: 0, updated: 0, ..imported });
    }
    idempotency::finish(&tx, request, &imported).await?;
    tx.commit().await?;
    Ok(imported)
}

/// Imports products for an operator who stands at the database, in the name of the seller `actor`: each time anew. Where
/// `is_dry_run`, nothing is written, and what would have come of it is told.
///
/// # Errors
/// As of [`import`].
pub async fn import_batch(app: &App, actor: &Actor, import: &Import, is_dry_run: bool) -> Result<Imported> {
    let seller = actor.seller.ok_or(Denial::Forbidden)?;
    let batch = Batch::new(app, actor.user, seller, import)?;
    db::retry(|| import_batch_once(app, &batch, is_dry_run)).await
}

async fn import_batch_once(app: &App, batch: &Batch<'_>, is_dry_run: bool) -> Result<Imported> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    let imported = batch.write(app, &tx, at).await?;
    if batch.import.is_all_or_nothing && !imported.errors.is_empty() {
        return Ok(Imported { created: 0, updated: 0, ..imported });
    }
    if !is_dry_run {
        let refused = imported.errors.len();
        let entry = NewEntry {
            id: app.ids.uuid(),
            // an operator
            by: By::default(),
            action: "products.import",
            target: Some((Kind::Seller, batch.seller)),
            before: None,
            after: Some(json!({
                "command": "import", "created": imported.created, "updated": imported.updated, "refused": refused,
            })),
            at,
        };
        audit::append(&tx, entry).await?;
        tx.commit().await?;
    }
    Ok(imported)
}

/// An import with whoever does it.
struct Batch<'a> {
    user: Uuid,
    seller: Uuid,
    currency: Currency,
    import: &'a Import,
    /// What each row has, if it is an SKU.
    skus: Vec<Option<String>>,
}

impl<'a> Batch<'a> {
    fn new(app: &App, user: Uuid, seller: Uuid, import: &'a Import) -> Result<Self> {
        input::list("rows", &import.rows, MAX_ROWS)?;
        let skus = import.rows.iter().map(|row| row.product.sku()).collect();
        Ok(Self { user, seller, currency: app.config.currency, import, skus })
    }

    /// The rows that are within every limit; the others are refused.
    fn check(&self, sheet: &mut Sheet<'_>) -> Vec<Checked> {
        let mut first: HashMap<&str, i32> = HashMap::new();
        let mut checked = Vec::with_capacity(self.import.rows.len());
        for ((number, row), sku) in (1..).zip(&self.import.rows).zip(&self.skus) {
            let earlier = sku.as_deref().and_then(|sku| {
                let earlier = *first.entry(sku).or_insert(number);
                (earlier != number).then_some(earlier)
            });
            let row = match earlier {
                Some(earlier) => Err(catalog::twice(earlier)),
                None => row.product.check(self.currency).and_then(|product| {
                    let stock = input::number("stock", row.stock, 0, MAX_ON_HAND)?;
                    Ok(Checked { number, row: product, stock })
                }),
            };
            match row {
                Ok(row) => checked.push(row),
                Err(why) => sheet.refuse(number, why),
            }
        }
        checked
    }

    /// Writes what can be written, in `tx`, and says what came of each row.
    async fn write(&self, app: &App, tx: &Tx, at: DateTime<Utc>) -> Result<Imported> {
        let mut sheet = Sheet { skus: &self.skus, errors: Vec::new() };
        let checked = self.check(&mut sheet);
        let rows: Vec<&Row> = checked.iter().map(|row| &row.row).collect();
        let mut listed = Vec::with_capacity(checked.len());
        for (row, category) in checked.iter().zip(catalog::categories(tx, &rows).await?) {
            match category {
                Ok(category) => listed.push((row, category)),
                Err(why) => sheet.refuse(row.number, why),
            }
        }
        let rows: Vec<(&Row, Uuid)> = listed.iter().map(|(row, category)| (&row.row, *category)).collect();
        let (mut new, mut own) = (Vec::new(), BTreeMap::new());
        for ((row, category), whose) in listed.iter().zip(catalog::add_new(app, tx, self.seller, &rows, at).await?) {
            match whose {
                Whose::New(id) => new.push((id, row.stock)),
                Whose::Own(id) => drop(own.insert(id, (*row, *category))),
                Whose::Anothers => sheet.refuse(row.number, catalog::taken()),
            }
        }
        let mut ledger = Ledger { app, user: self.user, at, lines: Vec::new() };
        self.open(tx, &new, &mut ledger).await?;
        let updated = self.update(tx, own, &mut ledger, &mut sheet).await?;
        repo::insert_movements(&**tx, &ledger.lines).await?;
        let changed: Vec<Uuid> = new.iter().map(|(id, _)| *id).chain(updated.changed).collect();
        crate::catalog::event::products_changed(tx, &app.ids, &changed, at).await?;
        sheet.errors.sort_by_key(|error| error.row);
        Ok(Imported { created: count(new.len()), updated: count(updated.rows), errors: sheet.errors })
    }

    /// Opens the stocks of products that are new.
    async fn open(&self, tx: &Tx, new: &[(Uuid, i32)], ledger: &mut Ledger<'_>) -> Result<()> {
        let stocks: Vec<stock::Model> = new
            .iter()
            .map(|&(product, on_hand)| NewStock { product, on_hand, threshold: LOW_STOCK_THRESHOLD }.into())
            .collect();
        repo::insert_stocks(&**tx, &stocks).await?;
        for stock in &stocks {
            ledger.note(stock.product_id, 0, stock.on_hand);
        }
        Ok(())
    }

    /// Changes products that were there, with their stocks.
    async fn update(
        &self,
        tx: &Tx,
        mut own: BTreeMap<Uuid, (&Checked, Uuid)>,
        ledger: &mut Ledger<'_>,
        sheet: &mut Sheet<'_>,
    ) -> Result<Updated> {
        let mut moved = Vec::new();
        for mut stock in repo::lock_stocks(&**tx, &own.keys().copied().collect::<Vec<_>>()).await? {
            let Some((row, _)) = own.get(&stock.product_id) else { continue };
            if row.stock < stock.reserved {
                sheet.refuse(row.number, InventoryError::Promised(stock.reserved).into());
                own.remove(&stock.product_id);
            } else if row.stock != stock.on_hand {
                ledger.note(stock.product_id, stock.on_hand, row.stock);
                stock.on_hand = row.stock;
                (stock.was_low, stock.is_low) = (stock.is_low, available(&stock) <= stock.low_stock_threshold);
                moved.push(stock);
            }
        }
        repo::update_on_hand(&**tx, &moved).await?;
        let fallen: Vec<&stock::Model> = moved.iter().filter(|stock| stock.is_low && !stock.was_low).collect();
        event::stocks_fell(ledger.app, tx, self.seller, &fallen, Some(self.user), ledger.at).await?;
        let entries = own.iter().map(|(id, (row, category))| (*id, (&row.row, *category))).collect();
        let mut changed = catalog::change(tx, &entries, ledger.at).await?;
        changed.extend(moved.iter().map(|stock| stock.product_id));
        Ok(Updated { rows: own.len(), changed })
    }
}

/// What was done with products that were there.
struct Updated {
    /// Rows that were not refused.
    rows: usize,
    /// Products of which anything is different now.
    changed: HashSet<Uuid>,
}

/// Lines that are to be written into the ledgers.
struct Ledger<'a> {
    app: &'a App,
    user: Uuid,
    at: DateTime<Utc>,
    lines: Vec<stock_movement::Model>,
}

impl Ledger<'_> {
    /// Notes that there were `before` of a product, and are `after`.
    fn note(&mut self, product: Uuid, before: i32, after: i32) {
        if before != after {
            self.lines.push(stock_movement::Model {
                id: self.app.ids.uuid(),
                product_id: product,
                delta: after - before,
                on_hand_after: after,
                reason: StockMovementReason::Imported.into(),
                actor_id: Some(self.user),
                order_id: None,
                note: None,
                at: self.at,
            });
        }
    }
}

/// At most [`MAX_ROWS`].
fn count(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
