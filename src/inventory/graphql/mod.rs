//! Stock and its ledger as clients see them.

mod import;
mod loaders;
mod mutation;
mod subscription;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use domain::event::Topic;
use domain::id::Kind;
use entity::{stock, stock_movement};
use sea_orm::sea_query::SelectStatement;
use uuid::Uuid;

use super::service;
use crate::accounts::graphql::User;
use crate::graphql::connection::{connection, page_cost};
use crate::graphql::context::is_browsing;
use crate::graphql::enums::StockMovementReason;
use crate::graphql::loaders::load;
use crate::graphql::{Result, app, ids, reader};
use crate::orders::graphql::{Order, OrderLoader};
use crate::platform::cache::CacheKey;
use crate::platform::page::PageArgs;

pub use import::{CreateProductRow, ImportMutation, ImportProductsInput, ImportProductsPayload, ImportRowError};
pub use loaders::{MovementLoader, MovementsLoader, StockLoader};
pub use mutation::{AdjustStockInput, CreateProductInput, InventoryMutation, UpdateProductInput};
pub use subscription::InventorySubscription;

/// The products that can be bought, or those that cannot: for the catalogue's filter.
#[must_use]
pub fn in_stock(is_in_stock: bool) -> SelectStatement {
    service::in_stock(is_in_stock)
}

/// What a store has of one product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct StockKey(Uuid);

impl CacheKey for StockKey {
    type Value = Option<stock::Model>;

    fn topic(&self) -> Topic {
        Topic::Product(self.0)
    }
}

/// The stock of `product`; for those who look round the shop, that of a moment ago. Checkout never asks here.
///
/// # Errors
/// Faults of the database.
pub async fn stock_of(ctx: &Context<'_>, product: Uuid) -> Result<Option<stock::Model>> {
    let read = load::<StockLoader, _>(ctx, product);
    if is_browsing(ctx) { app(ctx)?.cache.get(&StockKey(product), read).await } else { read.await }
}

/// What a store has of a product.
#[derive(Debug, Clone)]
pub struct ProductStock(pub stock::Model);

/// What a store has of a product.
#[Object]
impl ProductStock {
    /// Pieces in the store.
    async fn on_hand(&self) -> i32 {
        self.0.on_hand
    }

    /// Of these, promised to unpaid orders.
    async fn reserved(&self) -> i32 {
        self.0.reserved
    }

    /// When no more than this can be bought, the stock is low.
    async fn low_stock_threshold(&self) -> i32 {
        self.0.low_stock_threshold
    }

    /// Whether what can be bought, on hand less reserved, is at the threshold or below.
    async fn is_low(&self) -> bool {
        self.0.is_low
    }

    /// Every movement, newest first. The deltas of all of them sum to what is on hand.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn movements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many: 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "A cursor of this list.")] after: Option<String>,
    ) -> Result<StockMovementConnection> {
        let page = PageArgs::new(&("movements", self.0.product_id), first, after.as_deref(), None, None)?;
        let rows = match page.start() {
            Some(limit) => {
                let newest = load::<MovementsLoader, _>(ctx, (self.0.product_id, limit)).await?;
                service::start_of_ledger(newest.unwrap_or_default(), &page)
            }
            // a cursor is of one product: there is nothing to read it together with
            None => service::list_movements(app(ctx)?, self.0.product_id, &page).await?,
        };
        Ok(rows.map(StockMovement).into())
    }
}

/// A line of a product's stock ledger.
#[derive(Debug, Clone)]
pub struct StockMovement(pub stock_movement::Model);

/// A line of a product's stock ledger.
#[Object]
impl StockMovement {
    /// The id, `inv_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::StockMovement, self.0.id)
    }

    /// Pieces in (positive) or out.
    async fn delta(&self) -> i32 {
        self.0.delta
    }

    /// On hand once it was done.
    async fn on_hand_after(&self) -> i32 {
        self.0.on_hand_after
    }

    /// Why.
    async fn reason(&self) -> StockMovementReason {
        (*self.0.reason).into()
    }

    /// Who did it; null when the server itself did.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.actor_id {
            Some(id) => User::load(ctx, id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The order it was for, if there was one.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>> {
        let (Some(id), Some(reader)) = (self.0.order_id, reader(ctx)) else { return Ok(None) };
        Ok(load::<OrderLoader, _>(ctx, id).await?.and_then(|row| Order::seen_by(row, reader)))
    }

    /// In the words of whoever did it.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

connection! {
    /// A page of a stock ledger.
    StockMovementConnection, StockMovementEdge, StockMovement
}
