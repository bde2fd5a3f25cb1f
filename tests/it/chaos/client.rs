//! Clients that come back: each remembers its last cursor and goes on from there, wherever it is let in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::json;
use tokio::time::sleep;

use super::cast::{CENTRE, Cast, order_uuid};
use super::driver::{Board, Order};
use super::log::{Heard, Log, Marks, Truth};
use super::offers::Offers;
use super::plan::Dice;
use super::truth::Facts;
use super::versions::Versions;
use super::wire::{End, Wire};
use crate::support::actors::Api;
use crate::support::feed::{ADMIN_UPDATES, MY_ORDER_UPDATES, SELLER_ORDER_UPDATES};
use crate::support::story::{AVAILABLE_ORDERS, ORDER_UPDATES};

/// States that an order stays in.
const FINAL: &[&str] = &["DELIVERED", "CANCELLED", "FAILED"];

/// Offers around [`CENTRE`], which are all of them: the stores are in several cells of the map.
const OFFERS_AROUND: &str = "subscription OffersAround($after: EventCursor, $near: GeoPointInput!, $radiusKm: Float!) {
    availableOrders(after: $after, near: $near, radiusKm: $radiusKm) { __typename
        ... on AvailableOrdersSnapshot { cursor more orders { orderId number } }
        ... on OrderAvailable { cursor eventId order { orderId number } }
        ... on OrderUnavailable { cursor eventId orderId reason }
        ... on StreamReset { cursor resetReason: reason } } }";

/// What a client follows; of the cast, where there are several.
#[derive(Debug, Clone)]
enum Follows {
    /// Every offer, or those around the stores.
    Offers(usize, bool),
    Customer(usize),
    Seller(usize),
    Platform,
    /// One order to its end, and then another, as somebody whom it concerns.
    Order(Option<Order>),
}

impl Follows {
    /// Of twenty clients six are partners, six customers, three sellers, one an admin, and four follow one order.
    fn of(number: usize, cast: &Cast) -> Self {
        let round = number / 20;
        match number % 20 {
            place @ 0..6 => Self::Offers((round * 6 + place) % cast.partners.len(), place >= 3),
            place @ 6..12 => Self::Customer((round * 6 + place - 6) % cast.customers.len()),
            place @ 12..15 => Self::Seller((round * 3 + place - 12) % cast.sellers.len()),
            15 => Self::Platform,
            _ => Self::Order(None),
        }
    }
}

/// A client that comes back.
#[derive(Debug)]
pub(super) struct Client {
    number: usize,
    cast: Arc<Cast>,
    board: Arc<Board>,
    follows: Mutex<Follows>,
    log: Mutex<Log>,
    reconnects: AtomicU64,
    /// What ended its last connection.
    last_end: Mutex<String>,
}

impl Client {
    pub(super) fn new(number: usize, cast: &Arc<Cast>, board: &Arc<Board>) -> Self {
        let follows = Follows::of(number, cast);
        let heard = match follows {
            Follows::Offers(_, by_area) => Heard::Offers(Offers::new(by_area)),
            _ => Heard::Versions(Versions::default()),
        };
        Self {
            number,
            cast: Arc::clone(cast),
            board: Arc::clone(board),
            follows: Mutex::new(follows),
            log: Mutex::new(Log::new(heard)),
            reconnects: AtomicU64::new(0),
            last_end: Mutex::default(),
        }
    }

    /// Listens by one of `doors` or another, until it is dropped.
    pub(super) async fn run(self: Arc<Self>, doors: Arc<[Api]>, mut dice: Dice) {
        let mut was_cut = false;
        loop {
            self.choose(&mut dice);
            match self.listen(dice.pick(&doors), &mut was_cut, &mut dice).await {
                Ok(()) => {}
                Err(end) => {
                    was_cut = true;
                    let words = match end {
                        End::Broken(words) => words,
                        End::Refused(words) => {
                            self.log().marks.refuse(words.clone());
                            words
                        }
                        End::Wrong(words) => {
                            self.log().marks.fault(words.clone());
                            words
                        }
                    };
                    *self.last_end.lock().unwrap() = words;
                    sleep(dice.millis(20, 1_000)).await;
                }
            }
        }
    }

    /// Who has seen the end of an order looks for another one.
    fn choose(&self, dice: &mut Dice) {
        let mut follows = self.follows.lock().unwrap();
        if let Follows::Order(order @ None) = &mut *follows {
            let open = self.board.open();
            *order = Some(dice.pick(&open).clone());
            self.log().turned();
        }
    }

    /// Listens to one connection, until it ends (an error) or the order that is followed does.
    async fn listen(&self, door: &Api, was_cut: &mut bool, dice: &mut Dice) -> Result<(), End> {
        let follows = self.follows.lock().unwrap().clone();
        let (document, who, mut variables) = match &follows {
            Follows::Offers(index, false) => (AVAILABLE_ORDERS, &self.cast.partners[*index].actor, json!({})),
            Follows::Offers(index, true) => {
                let around =
                    json!({ "near": { "latitude": CENTRE.latitude, "longitude": CENTRE.longitude }, "radiusKm": 5.0 });
                (OFFERS_AROUND, &self.cast.partners[*index].actor, around)
            }
            Follows::Customer(index) => (MY_ORDER_UPDATES, &self.cast.customers[*index].actor, json!({})),
            Follows::Seller(index) => (SELLER_ORDER_UPDATES, &self.cast.sellers[*index].actor, json!({})),
            Follows::Platform => (ADMIN_UPDATES, &self.cast.admin, json!({})),
            Follows::Order(order) => {
                let order = order.as_ref().expect("one was chosen");
                let customer = &self.cast.customers[order.customer].actor;
                let parties = [customer, &self.cast.sellers[order.seller].actor, &self.cast.admin];
                (ORDER_UPDATES, parties[self.number % parties.len()], json!({ "orderId": order.id }))
            }
        };
        variables["after"] = self.log().cursor.clone().into();
        let token = who.token.as_deref().expect("they are signed in");
        let mut wire = Wire::open(door.addr, token, document, &variables).await?;
        if std::mem::take(was_cut) {
            self.reconnects.fetch_add(1, Ordering::Relaxed);
        }
        self.log().connected();
        loop {
            let item = wire.next().await?;
            let status = self.log().take(&item);
            if matches!(follows, Follows::Order(_)) && status.is_some_and(|status| FINAL.contains(&&*status)) {
                *self.follows.lock().unwrap() = Follows::Order(None);
                // somebody looks at what they see
                sleep(dice.millis(20, 1_000)).await;
                return Ok(());
            }
        }
    }
    /// Tells it from the others.
    pub(super) const fn number(&self) -> u64 {
        self.number as u64
    }

    /// Whether it can begin before there is anything to be shown.
    pub(super) fn begins_early(&self) -> bool {
        matches!(*self.follows.lock().unwrap(), Follows::Offers(..) | Follows::Platform)
    }

    /// Whether it has a place to come back to.
    pub(super) fn has_begun(&self) -> bool {
        matches!(*self.follows.lock().unwrap(), Follows::Order(None)) || self.log().cursor.is_some()
    }

    /// What it should have heard.
    pub(super) fn truth(&self, facts: &Facts) -> Truth {
        match &*self.follows.lock().unwrap() {
            Follows::Offers(..) => facts.of_offers(),
            Follows::Customer(index) => facts.of_customer(self.cast.customers[*index].id),
            Follows::Seller(index) => facts.of_seller(self.cast.sellers[*index].id),
            Follows::Platform => facts.of_platform(),
            Follows::Order(order) => {
                let mut orders = self.log().orders();
                orders.extend(order.as_ref().map(|order| order_uuid(&order.id)));
                facts.of_orders(&orders)
            }
        }
    }

    /// What it still has to hear of; `None`: nothing.
    pub(super) fn awaits(&self, facts: &Facts) -> Option<String> {
        let truth = self.truth(facts);
        self.log().awaits(&truth)
    }

    /// Holds what it heard against what happened, once no more comes; what is to be counted of it.
    pub(super) fn close(&self, facts: &Facts) -> Marks {
        let truth = self.truth(facts);
        let mut log = self.log();
        log.close(&truth);
        log.marks.clone()
    }

    /// How often its connection had ended and it was let in again.
    pub(super) fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Relaxed)
    }

    /// Who it is and how it fares.
    pub(super) fn describe(&self) -> String {
        let (follows, end) = (self.follows.lock().unwrap().clone(), self.last_end.lock().unwrap());
        format!("client {} ({follows:?}, {} reconnects, the last because of: {end})", self.number, self.reconnects())
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }
}
