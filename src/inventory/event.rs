//! What sellers are told of their stock.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use entity::stock;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::service::available;
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::outbox::{self, NewEvent};

/// The event that a stock fell to its threshold; payload [`StockFell`]. Once each time: it must have been above in between.
pub const STOCK_FELL: &str = "stock.fell";

/// Which stock fell, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockFell {
    /// The product.
    pub product: Uuid,
    /// What could be bought then.
    pub available: i32,
    /// The threshold that it fell to.
    pub threshold: i32,
    /// Who made it fall, if anybody did.
    #[serde(default)]
    pub by: Option<Uuid>,
}

/// Logs that `stocks` of a seller's fell, in one statement; `by` made them.
pub(super) async fn stocks_fell(
    app: &App,
    tx: &Tx,
    seller: Uuid,
    stocks: &[&stock::Model],
    by: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<()> {
    let topics = [Topic::LowStock(seller)];
    let payloads: Vec<StockFell> = stocks
        .iter()
        .map(|stock| StockFell {
            product: stock.product_id,
            available: available(stock),
            threshold: stock.low_stock_threshold,
            by,
        })
        .collect();
    let events: Vec<_> = payloads
        .iter()
        .map(|payload| NewEvent { id: app.ids.uuid(), kind: STOCK_FELL, topics: &topics, payload, at })
        .collect();
    outbox::append_all(tx, &events).await
}
