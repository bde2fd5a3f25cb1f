//! What one client has heard, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::Kind;
use serde_json::Value;
use uuid::Uuid;

use super::offers::Offers;
use super::versions::Versions;
use crate::support::crowd;

/// Faults that are kept word for word; the others are only counted.
const MAX_KEPT: usize = 5;

/// What is counted of a client's items.
#[derive(Debug, Default, Clone)]
pub(super) struct Marks {
    /// Events that it was delivered.
    pub(super) events: u64,
    /// Those of them that it had heard on an earlier connection, and dropped.
    pub(super) repeats: u64,
    /// Times that it was told to start anew.
    pub(super) resets: u64,
    /// Answers that were errors which may pass. What breaks in a storm is not the database: none is due.
    pub(super) refused: u64,
    /// Events that are missing between others.
    pub(super) lost: u64,
    /// Everything else that must not be.
    pub(super) wrong: u64,
    /// The first few of the last three, in words.
    pub(super) faults: Vec<String>,
}

impl Marks {
    /// `count` events are missing.
    pub(super) fn lose(&mut self, count: u64, words: String) {
        self.lost += count;
        self.keep(words);
    }

    /// Something that must not be.
    pub(super) fn fault(&mut self, words: String) {
        self.wrong += 1;
        self.keep(words);
    }

    /// An answer was an error that may pass.
    pub(super) fn refuse(&mut self, words: String) {
        self.refused += 1;
        self.keep(words);
    }

    fn keep(&mut self, words: String) {
        if self.faults.len() < MAX_KEPT {
            self.faults.push(words);
        }
    }
}

/// How things are by the database, as far as a client is concerned.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// The version of each of its orders.
    pub(super) versions: BTreeMap<Uuid, i32>,
    /// For each order, the events by which it began and ceased to be on offer, oldest first.
    pub(super) offers: BTreeMap<Uuid, Vec<Uuid>>,
    /// The orders on offer.
    pub(super) open: BTreeSet<Uuid>,
}

/// What a client makes of what it hears.
#[derive(Debug)]
pub(super) enum Heard {
    /// A partner, of orders on offer.
    Offers(Offers),
    /// Everybody else, of orders' versions.
    Versions(Versions),
}

/// What one client has heard.
#[derive(Debug)]
pub(super) struct Log {
    heard: Heard,
    /// The last cursor.
    pub(super) cursor: Option<String>,
    /// What is counted.
    pub(super) marks: Marks,
}

impl Log {
    pub(super) fn new(heard: Heard) -> Self {
        Self { heard, cursor: None, marks: Marks::default() }
    }

    /// From here on it listens on another connection.
    pub(super) fn connected(&mut self) {
        match &mut self.heard {
            Heard::Offers(offers) => offers.connected(),
            Heard::Versions(versions) => versions.connected(),
        }
    }

    /// From here on it listens to another stream, from its beginning.
    pub(super) fn turned(&mut self) {
        self.cursor = None;
        if let Heard::Versions(versions) = &mut self.heard {
            versions.turned();
        }
    }

    /// Takes note of an item; the status of its order, if it has one.
    pub(super) fn take(&mut self, item: &Value) -> Option<String> {
        let Self { heard, cursor, marks } = self;
        match item["cursor"].as_str() {
            Some(text) => *cursor = Some(text.to_owned()),
            None => marks.fault(format!("without a cursor: {item}")),
        }
        let order = &item["order"];
        match (item["__typename"].as_str().unwrap_or_default(), heard) {
            ("OrderSnapshot", Heard::Versions(versions)) => versions.shown(order_id(order, "id"), version(order), marks),
            ("OrderChanged", Heard::Versions(versions)) => {
                marks.events += 1;
                if item["event"]["orderVersion"] != order["version"] || item["event"]["status"] != order["status"] {
                    marks.fault(format!("the order is not as this change left it: {item}"));
                }
                versions.changed(order_id(order, "id"), version(order), marks);
            }
            ("StreamReset", Heard::Versions(versions)) => {
                marks.resets += 1;
                versions.reset();
            }
            ("AvailableOrdersSnapshot", Heard::Offers(offers)) => {
                let orders = item["orders"].as_array().unwrap();
                if item["more"] != false {
                    marks.fault("a first picture of a part of the offers".to_owned());
                }
                offers.shown(orders.iter().map(|order| order_id(order, "orderId")).collect(), marks);
            }
            ("OrderAvailable", Heard::Offers(offers)) => {
                marks.events += 1;
                offers.changed(order_id(order, "orderId"), event_id(item), true, marks);
            }
            ("OrderUnavailable", Heard::Offers(offers)) => {
                marks.events += 1;
                offers.changed(order_id(item, "orderId"), event_id(item), false, marks);
            }
            ("StreamReset", Heard::Offers(offers)) => {
                marks.resets += 1;
                offers.reset();
            }
            // figures, and who is on duty
            ("AdminSnapshot" | "PartnerChanged", Heard::Versions(_)) => {}
            _ => marks.fault(format!("an item that is not of this stream: {item}")),
        }
        order["status"].as_str().map(ToOwned::to_owned)
    }

    /// What it still has to hear of, in words; the first of it.
    pub(super) fn awaits(&self, truth: &Truth) -> Option<String> {
        match &self.heard {
            Heard::Offers(offers) => offers.behind(truth),
            Heard::Versions(versions) => versions.behind(&truth.versions),
        }
    }

    /// Orders that it has heard of.
    pub(super) fn orders(&self) -> BTreeSet<Uuid> {
        match &self.heard {
            Heard::Offers(offers) => offers.orders(),
            Heard::Versions(versions) => versions.heard.keys().copied().collect(),
        }
    }

    /// Holds all that it heard against what happened, once there is no more to come.
    pub(super) fn close(&mut self, truth: &Truth) {
        match &self.heard {
            Heard::Offers(offers) => offers.close(truth, &mut self.marks),
            Heard::Versions(versions) => versions.close(&truth.versions, &mut self.marks),
        }
    }
}

fn order_id(value: &Value, field: &str) -> Uuid {
    crowd::uuid(Kind::Order, value[field].as_str().unwrap())
}

fn event_id(item: &Value) -> Uuid {
    crowd::uuid(Kind::Event, item["eventId"].as_str().unwrap())
}

fn version(order: &Value) -> i32 {
    order["version"].as_i64().and_then(|version| version.try_into().ok()).unwrap()
}
