//! What many answers need from the inventory, read in one statement.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{stock, stock_movement};
use uuid::Uuid;

use crate::app::App;
use crate::graphql::loaders::by_id;
use crate::graphql::{GraphError, Result};
use crate::inventory::service;

/// Stocks by product.
#[derive(Debug)]
pub struct StockLoader(pub App);

impl Loader<Uuid> for StockLoader {
    type Value = stock::Model;
    type Error = GraphError;

    async fn load(&self, products: &[Uuid]) -> Result<HashMap<Uuid, stock::Model>> {
        let rows = service::list_stocks(&self.0, products).await?;
        Ok(rows.into_iter().map(|row| (row.product_id, row)).collect())
    }
}

/// The newest lines of ledgers, by product and how many.
#[derive(Debug)]
pub struct MovementsLoader(pub App);

impl Loader<(Uuid, u64)> for MovementsLoader {
    type Value = Vec<stock_movement::Model>;
    type Error = GraphError;

    async fn load(&self, keys: &[(Uuid, u64)]) -> Result<HashMap<(Uuid, u64), Vec<stock_movement::Model>>> {
        let mut products_by_limit: HashMap<u64, Vec<Uuid>> = HashMap::new();
        for &(product, limit) in keys {
            products_by_limit.entry(limit).or_default().push(product);
        }
        let mut newest: HashMap<_, Vec<_>> = HashMap::new();
        for (limit, products) in products_by_limit {
            for movement in service::list_newest_movements(&self.0, &products, limit).await? {
                newest.entry((movement.product_id, limit)).or_default().push(movement);
            }
        }
        Ok(newest)
    }
}

by_id! {
    /// Lines of ledgers by their ids.
    MovementLoader, stock_movement::Model, service::list_movements_by_ids
}
