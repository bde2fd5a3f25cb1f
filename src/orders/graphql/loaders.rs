//! Lines and claims of many orders, in one statement each.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use chrono::{DateTime, Utc};
use entity::{claim, order, order_event, order_item, rating};
use uuid::Uuid;

use crate::app::App;
use crate::graphql::loaders::by_id;
use crate::graphql::{GraphError, Result};
use crate::orders::service;
use crate::platform::relay;

by_id! {
    /// Orders by id, whoever asks: what they may see is decided by `Order::seen_by`.
    OrderLoader, order::Model, service::list_orders_by_ids
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

/// The first events of orders, by order and how many.
#[derive(Debug)]
pub struct TimelineLoader(pub App);

impl Loader<(Uuid, u64)> for TimelineLoader {
    type Value = Vec<order_event::Model>;
    type Error = GraphError;

    async fn load(&self, keys: &[(Uuid, u64)]) -> Result<HashMap<(Uuid, u64), Vec<order_event::Model>>> {
        let mut orders_by_limit: HashMap<u64, Vec<Uuid>> = HashMap::new();
        for &(order, limit) in keys {
            orders_by_limit.entry(limit).or_default().push(order);
        }
        let mut first: HashMap<_, Vec<_>> = HashMap::new();
        for (limit, orders) in orders_by_limit {
            for event in service::list_first_events(self.0.db.reader(), &orders, limit).await? {
                first.entry((event.order_id, limit)).or_default().push(event);
            }
        }
        Ok(first)
    }
}

/// Places of events in the log, with its epoch, by the event's id.
#[derive(Debug)]
pub struct PositionLoader(pub App);

impl Loader<Uuid> for PositionLoader {
    type Value = (i32, i64);
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, (i32, i64)>> {
        let db = self.0.db.reader();
        let epoch = relay::head(db).await?.epoch;
        let positions = relay::positions(db, ids).await?;
        Ok(positions.into_iter().map(|(event, position)| (event, (epoch, position))).collect())
    }
}

/// The time by the database's clock: one for all that ask at once.
#[derive(Debug)]
pub struct TimeLoader(pub App);

impl Loader<()> for TimeLoader {
    type Value = DateTime<Utc>;
    type Error = GraphError;

    async fn load(&self, _: &[()]) -> Result<HashMap<(), DateTime<Utc>>> {
        Ok(HashMap::from([((), self.0.clock.db_now(self.0.db.reader()).await?)]))
    }
}

by_id! {
    /// Claims by id.
    ClaimLoader, claim::Model, service::list_claims
}

by_id! {
    /// Lines of orders by their ids.
    ItemLoader, order_item::Model, service::list_items_by_ids
}

by_id! {
    /// Entries of timelines by their ids.
    EventLoader, order_event::Model, service::list_events_by_ids
}

/// Ratings by order.
#[derive(Debug)]
pub struct RatingLoader(pub App);

impl Loader<Uuid> for RatingLoader {
    type Value = rating::Model;
    type Error = GraphError;

    async fn load(&self, orders: &[Uuid]) -> Result<HashMap<Uuid, rating::Model>> {
        let ratings = service::list_ratings(self.0.db.reader(), orders).await?;
        Ok(ratings.into_iter().map(|rating| (rating.order_id, rating)).collect())
    }
}
