//! What was sold, summed by the hour as orders become sales or cease to be; and how many orders are in each state.
//!
//! An order is counted in the hour in which it was placed, with the totals that it has for good, and with what of
//! them has gone back, whenever that did. What of it is counted stands in a row of its own, which only a later version of the order changes: an event that comes late, or again, changes nothing.

use std::collections::{BTreeMap, HashMap};

use domain::calendar::Interval;
use domain::order::OrderStatus;
use entity::{Text, order, order_count, sales_hour, sales_hour_product, sales_order};
use serde::Deserialize as _;
use uuid::Uuid;

use super::repo;
use crate::orders::event::{ORDER_CHANGED, OrderChange};
use crate::orders::service as orders;
use crate::platform::bus::Message;
use crate::platform::db::Tx;
use crate::platform::{Error, Result};

/// The name under which is written how far the log was counted.
pub(super) const CONSUMER: &str = "analytics.sales";

/// Brings the sums to what `events` say of orders.
///
/// # Errors
/// When an event cannot be read, or the database fails.
pub(super) async fn count(tx: &Tx, events: &[Message]) -> Result<()> {
    // of each order the last version; sorted, so that no two transactions wait for each other
    let mut newest: BTreeMap<Uuid, order::Model> = BTreeMap::new();
    let mut untold: Vec<Uuid> = Vec::new();
    for message in events.iter().filter(|message| *message.kind == *ORDER_CHANGED) {
        let OrderChange { order, .. } = OrderChange::deserialize(&*message.payload)?;
        if message.payload.get("order").is_some_and(|order| order.get("refunded_minor").is_none()) {
            untold.push(order.id);
        }
        if newest.get(&order.id).is_none_or(|known| known.version < order.version) {
            newest.insert(order.id, order);
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    if !untold.is_empty() {
        // of an instance that did not know of it, during a roll-out
        for row in orders::list_orders_by_ids(&**tx, &untold).await? {
            newest.entry(row.id).and_modify(|order| order.refunded_minor = row.refunded_minor);
        }
    }
    let changed = repo::take_versions(&**tx, newest.into_values().map(|order| row(&order)).collect()).await?;
    let changed: HashMap<Uuid, sales_order::Model> = changed.into_iter().map(|row| (row.order_id, row)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    repo::add_counts(&**tx, moves(changed.values())).await?;
    let overflow = || Error::fault("adding up sales", "they come to more than can be said");
    let (mut hours, mut products) = (BTreeMap::new(), BTreeMap::new());
    for order in changed.values().filter(|order| sign(order) != 0 || refunded_more(order) != 0) {
        let key = (order.seller_id, *order.currency, order.hour);
        let (sum, refunded): &mut ((i64, i64), i64) = hours.entry(key).or_default();
        add(sum, sign(order), order.total_minor).ok_or_else(overflow)?;
        *refunded = refunded.checked_add(refunded_more(order)).ok_or_else(overflow)?;
    }
    let ids: Vec<Uuid> = changed.values().filter(|order| sign(order) != 0).map(|order| order.order_id).collect();
    let items = if ids.is_empty() { Vec::new() } else { orders::list_items(&**tx, &ids).await? };
    for item in items {
        let Some(order) = changed.get(&item.order_id) else { continue };
        let key = (order.seller_id, *order.currency, order.hour, item.product_id);
        let sum: &mut (i64, i64) = products.entry(key).or_default();
        add(sum, sign(order) * i64::from(item.quantity), item.line_minor).ok_or_else(overflow)?;
    }
    let hours = hours.into_iter().map(|((seller_id, currency, hour), ((orders, total_minor), refunded_minor))| {
        sales_hour::Model { seller_id, currency: entity::Text(currency), hour, orders, total_minor, refunded_minor }
    });
    let products = products.into_iter().map(|((seller_id, currency, hour, product_id), (quantity, total_minor))| {
        sales_hour_product::Model { seller_id, currency: entity::Text(currency), hour, product_id, quantity, total_minor }
    });
    repo::add_hours(&**tx, hours.collect()).await?;
    repo::add_products(&**tx, products.collect()).await?;
    Ok(())
}

/// What is counted of `order`.
fn row(order: &order::Model) -> sales_order::Model {
    sales_order::Model {
        order_id: order.id,
        version: order.version,
        status: order.status,
        was_status: None,
        is_counted: order.status.is_sale(),
        was_counted: false,
        hour: Interval::Hour.start(order.created_at).timestamp(),
        seller_id: order.seller_id,
        currency: order.currency,
        total_minor: order.total_minor,
        refunded_minor: order.refunded_minor,
        was_refunded_minor: 0,
    }
}

/// By how many more or fewer orders are in each state.
fn moves<'a>(orders: impl Iterator<Item = &'a sales_order::Model>) -> Vec<order_count::Model> {
    let mut moves: BTreeMap<Text<OrderStatus>, i64> = BTreeMap::new();
    for order in orders {
        *moves.entry(order.status).or_default() += 1;
        if let Some(before) = order.was_status {
            *moves.entry(before).or_default() -= 1;
        }
    }
    let moves = moves.into_iter().filter(|(_, orders)| *orders != 0);
    moves.map(|(status, orders)| order_count::Model { status, orders }).collect()
}

/// 1 for an order that is added, -1 for one that is taken out, 0 for one that stays.
fn sign(order: &sales_order::Model) -> i64 {
    i64::from(order.is_counted) - i64::from(order.was_counted)
}

/// What went back of it, minor units, less what of that is counted.
fn refunded_more(order: &sales_order::Model) -> i64 {
    let now = if order.is_counted { order.refunded_minor } else { 0 };
    let before = if order.was_counted { order.was_refunded_minor } else { 0 };
    now - before
}

/// Adds `count` pieces and their `amount`, or takes them out when `count` is negative.
fn add(sum: &mut (i64, i64), count: i64, amount: i64) -> Option<()> {
    *sum = (sum.0.checked_add(count)?, sum.1.checked_add(count.signum().checked_mul(amount)?)?);
    Some(())
}
