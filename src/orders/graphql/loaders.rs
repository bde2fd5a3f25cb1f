//! Lines and claims of many orders, in one statement each.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{claim, order, order_item};
use uuid::Uuid;

use crate::app::App;
use crate::graphql::{GraphError, Result};
use crate::orders::service;

/// Orders by id, whoever asks: what they may see is decided by `Order::seen_by`.
#[derive(Debug)]
pub struct OrderLoader(pub App);

impl Loader<Uuid> for OrderLoader {
    type Value = order::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, order::Model>> {
        let orders = service::list_orders_by_ids(self.0.db.reader(), ids).await?;
        Ok(orders.into_iter().map(|order| (order.id, order)).collect())
    }
}

/// Lines by order.
#[derive(Debug)]
pub struct ItemsLoader(pub App);

impl Loader<Uuid> for ItemsLoader {
    type Value = Vec<order_item::Model>;
    type Error = GraphError;

    async fn load(&self, orders: &[Uuid]) -> Result<HashMap<Uuid, Vec<order_item::Model>>> {
        let mut lines: HashMap<Uuid, Vec<order_item::Model>> = HashMap::with_capacity(orders.len());
        for line in service::list_items(self.0.db.reader(), orders).await? {
            lines.entry(line.order_id).or_default().push(line);
        }
        Ok(lines)
    }
}

/// Claims by id.
#[derive(Debug)]
pub struct ClaimLoader(pub App);

impl Loader<Uuid> for ClaimLoader {
    type Value = claim::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, claim::Model>> {
        let claims = service::list_claims(self.0.db.reader(), ids).await?;
        Ok(claims.into_iter().map(|claim| (claim.id, claim)).collect())
    }
}
