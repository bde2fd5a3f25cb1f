//! Those who place orders and bring them to their ends, and who ask again when they get no answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::cast::{Cast, order_uuid};
use super::plan::Dice;
use crate::support::actors::{Actor, Api};
use crate::support::http::Answer;
use crate::support::story::{
    ACCEPT_CLAIM, CANCEL_ORDER, CLAIM_ORDER, ORDER, PLACE_ORDER, RELEASE_CLAIM, UPDATE_ORDER_STATUS, key, order_input, text,
};

/// How long somebody goes on asking.
const PATIENCE: Duration = Duration::from_mins(3);

/// Orders are left on offer, so that there is something on offer in the end, while there are fewer than these that are not at
/// their end. A first picture has room for 100.
const MAX_OPEN: usize = 70;

/// An order as whoever brings it along knows it.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// `ord_…`
    pub(super) id: String,
    /// Of the cast.
    pub(super) customer: usize,
    /// Of the cast.
    pub(super) seller: usize,
    version: i64,
}

/// What all drivers have done.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// Orders that are not at their end.
    open: Mutex<Vec<Order>>,
    /// The version to which every order was brought.
    versions: Mutex<BTreeMap<Uuid, i64>>,
    /// Orders that are at their end.
    pub(super) done: AtomicU64,
    /// Mutations that were answered.
    pub(super) mutations: AtomicU64,
    /// Requests that were sent again.
    pub(super) repetitions: AtomicU64,
}

impl Board {
    /// Orders that are not at their end.
    pub(super) fn open(&self) -> Vec<Order> {
        self.open.lock().unwrap().clone()
    }

    /// The version to which every order was brought.
    pub(super) fn versions(&self) -> BTreeMap<Uuid, i64> {
        self.versions.lock().unwrap().clone()
    }

    fn note(&self, order: &Order) {
        self.versions.lock().unwrap().insert(order_uuid(&order.id), order.version);
    }

    fn begin(&self, order: &Order) {
        self.open.lock().unwrap().push(order.clone());
    }

    /// What is known of an order that stays on offer.
    fn leave(&self, order: &Order) -> bool {
        let mut open = self.open.lock().unwrap();
        let has_room = open.len() < MAX_OPEN;
        if has_room && let Some(known) = open.iter_mut().find(|known| known.id == order.id) {
            known.version = order.version;
        }
        has_room
    }

    fn end(&self, order: &Order) {
        self.open.lock().unwrap().retain(|known| known.id != order.id);
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// One of those who bring orders along, one after the other.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) cast: Arc<Cast>,
    pub(super) doors: Arc<[Api]>,
    pub(super) board: Arc<Board>,
    pub(super) dice: Dice,
}

impl Driver {
    /// Until `stop`, and then to the end of the order at hand.
    pub(super) async fn work(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let customer = self.dice.below(self.cast.customers.len());
            let order = self.place(customer).await;
            self.bring(order).await;
        }
    }

    /// Places an order.
    pub(super) async fn place(&mut self, customer: usize) -> Order {
        let seller = self.dice.below(self.cast.sellers.len());
        let cast = Arc::clone(&self.cast);
        let input = order_input(&cast.products[seller], 1);
        let payload = self.ask(&cast.customers[customer].actor, PLACE_ORDER, "placeOrder", input).await;
        let order = Order { id: text(&payload, "/order/id"), customer, seller, version: 2 };
        assert_eq!(payload["order"]["version"], 2, "placed and confirmed");
        self.board.note(&order);
        self.board.begin(&order);
        order
    }

    /// Brings an order to one of its ends, or leaves it on offer.
    async fn bring(&mut self, mut order: Order) {
        let order = &mut order;
        self.step(order, "PREPARING").await;
        if self.dice.one_in(12) {
            return self.cancel(order).await;
        }
        self.step(order, "READY").await;
        for _ in 0..self.dice.below(3) {
            self.hold_and_release(order).await;
        }
        if self.dice.one_in(12) {
            return self.cancel(order).await;
        }
        if self.dice.one_in(6) && self.board.leave(order) {
            return;
        }
        self.deliver(order).await;
    }

    async fn deliver(&mut self, order: &mut Order) {
        let cast = Arc::clone(&self.cast);
        let mut partner = &self.dice.pick(&cast.partners).actor;
        let mut claim = self.claim(partner, order, true).await;
        if self.dice.one_in(6) {
            self.release(partner, order, &claim).await;
            partner = &self.dice.pick(&cast.partners).actor;
            claim = self.claim(partner, order, false).await;
            self.change(partner, ACCEPT_CLAIM, "acceptClaim", order, json!({ "claimId": claim })).await;
        }
        for status in ["PICKED_UP", "IN_TRANSIT"] {
            let input = json!({ "orderId": order.id, "status": status });
            self.change(partner, UPDATE_ORDER_STATUS, "updateOrderStatus", order, input).await;
        }
        let input = if self.dice.one_in(12) {
            json!({ "orderId": order.id, "status": "FAILED" })
        } else {
            let customer = &cast.customers[order.customer].actor;
            let code =
                text(&self.answer(customer, ORDER, &json!({ "id": order.id })).await.data()["order"], "/deliveryCode");
            json!({ "orderId": order.id, "status": "DELIVERED", "deliveryCode": code })
        };
        self.change(partner, UPDATE_ORDER_STATUS, "updateOrderStatus", order, input).await;
        self.board.end(order);
    }

    /// A last change to an order that is not at its end: it is on offer then.
    pub(super) async fn change_once_more(&mut self, mut order: Order) {
        let order = &mut order;
        if order.version == 2 {
            self.step(order, "PREPARING").await;
            self.step(order, "READY").await;
        } else {
            self.hold_and_release(order).await;
        }
    }

    async fn hold_and_release(&mut self, order: &mut Order) {
        let cast = Arc::clone(&self.cast);
        let partner = &self.dice.pick(&cast.partners).actor;
        let claim = self.claim(partner, order, false).await;
        self.release(partner, order, &claim).await;
    }

    async fn claim(&mut self, partner: &Actor, order: &mut Order, accept: bool) -> String {
        let input = json!({ "orderId": order.id, "accept": accept });
        text(&self.change(partner, CLAIM_ORDER, "claimOrder", order, input).await, "/claim/id")
    }

    async fn release(&mut self, partner: &Actor, order: &mut Order, claim: &str) {
        self.change(partner, RELEASE_CLAIM, "releaseClaim", order, json!({ "claimId": claim })).await;
    }

    async fn cancel(&mut self, order: &mut Order) {
        let cast = Arc::clone(&self.cast);
        let customer = &cast.customers[order.customer].actor;
        self.change(customer, CANCEL_ORDER, "cancelOrder", order, json!({ "orderId": order.id })).await;
        self.board.end(order);
    }

    async fn step(&mut self, order: &mut Order, status: &str) {
        let cast = Arc::clone(&self.cast);
        let seller = &cast.sellers[order.seller].actor;
        let input = json!({ "orderId": order.id, "status": status });
        self.change(seller, UPDATE_ORDER_STATUS, "updateOrderStatus", order, input).await;
    }

    /// Changes an order that nobody else changes: by one version, however often the request is sent.
    async fn change(&mut self, who: &Actor, document: &str, field: &str, order: &mut Order, input: Value) -> Value {
        let payload = self.ask(who, document, field, input).await;
        order.version += 1;
        assert_eq!(payload["order"]["version"], order.version, "{field} of {}: done once, and nothing else was", order.id);
        self.board.note(order);
        sleep(self.dice.millis(20, 120)).await;
        payload
    }

    /// Asks for what is done once for its key.
    async fn ask(&mut self, who: &Actor, document: &str, field: &str, mut input: Value) -> Value {
        input["idempotencyKey"] = key().into();
        let answer = self.answer(who, document, &json!({ "input": input })).await;
        self.board.mutations.fetch_add(1, Ordering::Relaxed);
        answer.ok(field).clone()
    }

    /// Asks one instance or another until one answers.
    async fn answer(&mut self, who: &Actor, document: &str, variables: &Value) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let door = self.dice.pick(&self.doors);
            let said = match who.at(door).try_query(document, variables.clone()).await {
                Ok(answer) if !is_passing(&answer) => return answer,
                Ok(answer) => answer.body.to_string(),
                Err(error) => error,
            };
            assert!(Instant::now() < deadline, "{variables} was not answered in {PATIENCE:?}, but at last: {said}");
            self.board.repetitions.fetch_add(1, Ordering::Relaxed);
            sleep(self.dice.millis(20, 200)).await;
        }
    }
}

/// Whether the same request may be answered otherwise in a moment.
fn is_passing(answer: &Answer) -> bool {
    answer.errors().iter().any(|error| error["extensions"]["retryable"] == true)
}
