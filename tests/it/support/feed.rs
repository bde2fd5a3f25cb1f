//! What a client makes of a feed: where every order is, by the snapshot and the changes since.

use std::collections::BTreeMap;

use serde_json::Value;

use super::actors::Actor;
use super::socket::{End, Subscription};

pub(crate) const MY_ORDER_UPDATES: &str = "subscription MyOrderUpdates($after: EventCursor) {
    myOrderUpdates(after: $after) { __typename
        ... on OrderSnapshot { cursor order { id version status } }
        ... on OrderChanged { cursor event { id type orderVersion status } order { id version status } }
        ... on StreamReset { cursor reason } } }";

pub(crate) const SELLER_ORDER_UPDATES: &str = "subscription SellerOrderUpdates($after: EventCursor) {
    sellerOrderUpdates(after: $after) { __typename
        ... on OrderSnapshot { cursor order { id version status } }
        ... on OrderChanged { cursor event { id type orderVersion status } order { id version status } }
        ... on StreamReset { cursor reason } } }";

pub(crate) const ADMIN_UPDATES: &str = "subscription AdminUpdates($status: [OrderStatus!], $after: EventCursor) {
    adminUpdates(status: $status, after: $after) { __typename
        ... on AdminSnapshot { cursor stats { activePartners unassignedOrders ordersByStatus { status count } } }
        ... on OrderChanged { cursor event { id type orderVersion status } order { id version status } }
        ... on PartnerChanged { cursor partner { id partner { available } } }
        ... on StreamReset { cursor reason } } }";

/// Follows a feed of orders, and fails the test when an order's versions have a gap or come twice.
#[derive(Debug)]
pub(crate) struct Feed {
    subscription: Subscription,
    /// The version of each order that it has heard of.
    pub(crate) versions: BTreeMap<String, i64>,
    /// The last one it received.
    pub(crate) cursor: Value,
}

impl Feed {
    /// Begins to follow `document`.
    pub(crate) async fn follow(actor: &Actor, document: &str, variables: Value) -> Self {
        let subscription = actor.subscribe(document, variables).await;
        Self { subscription, versions: BTreeMap::new(), cursor: Value::Null }
    }

    /// Goes on where `self` is, on a socket of its own; everything but the snapshot is expected.
    pub(crate) async fn resume(self, actor: &Actor, document: &str, mut variables: Value) -> Self {
        variables["after"] = self.cursor.clone();
        Self { subscription: actor.subscribe(document, variables).await, ..self }
    }

    /// The next item, checked.
    pub(crate) async fn next(&mut self) -> Value {
        let item = self.subscription.next().await;
        self.take(&item);
        item
    }

    /// How it ends, with what still comes before checked as ever.
    pub(crate) async fn end(&mut self) -> End {
        let (items, end) = self.subscription.end().await;
        for item in &items {
            self.take(item);
        }
        end
    }

    fn take(&mut self, item: &Value) {
        self.cursor = item["cursor"].clone();
        let order = || item["order"]["id"].as_str().unwrap().to_owned();
        let version = || item["order"]["version"].as_i64().unwrap();
        match item["__typename"].as_str().unwrap() {
            "OrderSnapshot" => {
                assert_eq!(self.versions.insert(order(), version()), None, "a snapshot of what was known: {item}");
            }
            "OrderChanged" => {
                let before = self.versions.insert(order(), version());
                assert!(before.is_none_or(|before| before + 1 == version()), "after version {before:?}: {item}");
                assert_eq!(item["event"]["orderVersion"], version(), "the order is as this change left it");
                assert_eq!(item["event"]["status"], item["order"]["status"], "the order is as this change left it");
            }
            "StreamReset" => self.versions.clear(),
            _ => {}
        }
    }

    /// Reads until every order in `versions` has the version there, and says how many items that took.
    pub(crate) async fn catch_up(&mut self, versions: &BTreeMap<String, i64>) -> usize {
        let mut items = 0;
        while versions.iter().any(|(order, version)| self.versions.get(order) != Some(version)) {
            self.next().await;
            items += 1;
        }
        items
    }

    /// Reads the `count` first items, which must be snapshots.
    pub(crate) async fn snapshot(&mut self, count: usize) {
        for _ in 0..count {
            let item = self.next().await;
            assert_eq!(item["__typename"], "OrderSnapshot", "{item}");
        }
    }
}
